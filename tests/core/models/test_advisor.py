"""Verdicts on drafts, their order, and predictions that are never passed off as measured."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.engine.costs import CostCurve, CostStore
from core.models.advisor import (
    Advice,
    Candidate,
    Prediction,
    Subject,
    advise,
    predict,
    relative_size,
)
from core.models.catalog import ModelFile
from core.models.compat import Compatibility
from core.models.memory import MAIN, Device, Plan
from core.models.records import Record, record_reply
from core.models.shape import Footprint, Weights, shape_of
from core.models.survey import survey
from core.protocol import ModelOptions, ReplyStats
from tests.support.tiny_gguf import (
    write_draft_of,
    write_embedding_model,
    write_tiny_model,
)

YES = Compatibility("yes", "the same vocabulary of 1,000 tokens")
PLAIN = ModelOptions()
LLAMA: dict[str, Any] = {"architecture": "llama", "quantisation": "Q4_K_M", "n_ctx_train": 8192}


def model(name: str, billions: float) -> ModelFile:
    return ModelFile(
        path=Path(f"/m/{name}.gguf"),
        name=name,
        n_params=int(billions * 1e9),
        size_bytes=int(billions * 6e8),
        n_layers=32,
        n_vocab=1000,
        kind="language",
        source="your folders",
        **LLAMA,
    )


@pytest.fixture(scope="module")
def shape(tmp_path_factory: pytest.TempPathFactory) -> Footprint:
    """Of any dense model; what is predicted depends on the weights' bytes."""
    from core.models.gguf import read_header

    path = tmp_path_factory.mktemp("shape") / "m.gguf"
    write_tiny_model(path)
    return Footprint(shape_of(read_header(path)), Weights())


def footprint(base: Footprint, billions: float, experts: float = 0) -> Footprint:
    """`experts`: the share of the weights that is in 128 experts, 8 of which a token uses."""
    whole = int(billions * 6e8)
    routed = int(whole * experts)
    moe = replace(base.shape, n_expert=128, n_expert_used=8) if experts else base.shape
    return Footprint(moe, Weights(head=True, layers=(whole,), experts=routed))


def target(base: Footprint, billions: float, experts: float = 0) -> Subject:
    return Subject(model("target", billions), footprint(base, billions, experts))


def draft(base: Footprint, billions: float, name: str = "", **more: Any) -> Candidate:
    fields: dict[str, Any] = {"compatibility": YES, "footprint": footprint(base, billions)}
    return Candidate(model(name or f"{billions}B", billions), **fields | more)


def verdict(subject: Subject, candidate: Candidate, on_gpu: bool = True) -> str:
    return advise(subject, [candidate], on_gpu=on_gpu)[0].verdict


def memory(fits: bool, sentence: str) -> Plan:
    return Plan(PLAIN, PLAIN, fits, {}, sentence)


# ------------------------------------------------------------------ verdicts


def test_a_good_draft(shape: Footprint) -> None:
    assert verdict(target(shape, 8), draft(shape, 0.5)) == (
        "fits; about a sixteenth of the target's size, expect a gain"
    )


def test_on_a_cpu_a_gain_depends_on_the_text(shape: Footprint) -> None:
    assert verdict(target(shape, 8), draft(shape, 0.8), on_gpu=False) == (
        "fits; about a tenth of the target's size, expect a gain on predictable text"
    )


def test_a_vocabulary_that_does_not_fit_is_the_whole_verdict(shape: Footprint) -> None:
    cause = "token 139 differs: 'a' here, 'b' there"
    unfit = draft(shape, 0.5, compatibility=Compatibility("no", cause), record=record(2))
    (advice,) = advise(target(shape, 8), [unfit], on_gpu=True)
    assert advice.verdict == f"does not fit: {cause}"
    assert advice.prediction is None and not advice.usable


def test_what_was_measured_is_said_and_nothing_predicted_beside_it(shape: Footprint) -> None:
    assert verdict(target(shape, 8), draft(shape, 0.5, record=record(1.8, 12))) == (
        "measured here: 1.80× over 12 replies, 71% accepted"
    )
    assert verdict(target(shape, 8), draft(shape, 0.5, record=record(0.9, 1))) == (
        "measured here: 0.90× over 1 reply, 71% accepted, slower than without it"
    )
    unknown = replace(record(1.1), acceptance_rate=None)
    assert verdict(target(shape, 8), draft(shape, 0.5, record=unknown)) == (
        "measured here: 1.10× over 3 replies"
    )


def test_memory_that_does_not_suffice_is_said(shape: Footprint) -> None:
    tight = draft(
        shape,
        0.5,
        record=record(2),
        memory=memory(False, "does not fit: it takes at least 9.3 GiB on CUDA0, 1.4 GiB too much"),
    )
    (advice,) = advise(target(shape, 8), [tight], on_gpu=True)
    assert advice.verdict == (
        "the vocabulary fits, the memory does not: with the target it takes at least 9.3 GiB on "
        "CUDA0, 1.4 GiB too much"
    )
    assert not advice.usable


def test_what_has_to_be_given_up_for_memory_is_said(shape: Footprint) -> None:
    smaller = draft(shape, 0.5, memory=memory(True, "fits with a q8_0 cache: 7 of 8 GiB"))
    assert verdict(target(shape, 8), smaller).endswith("; it fits with a q8_0 cache")
    as_it_is = draft(shape, 0.5, memory=memory(True, "fits: 7 of 8 GiB"))
    assert verdict(target(shape, 8), as_it_is).endswith("expect a gain")


def test_doubts_are_added(shape: Footprint) -> None:
    doubt = Compatibility("yes-but", "the chat templates differ")
    assert verdict(target(shape, 8), draft(shape, 0.5, compatibility=doubt)).endswith(
        "expect a gain; the chat templates differ"
    )
    hybrid = Footprint(
        replace(shape.shape, state=(1000,) * len(shape.shape.state)), Weights(layers=(10**9,))
    )
    note = " keeps a recurrent state, so a rejected draft costs more"
    of_hybrid = replace(target(shape, 8), footprint=hybrid)
    assert verdict(of_hybrid, draft(shape, 0.5)).endswith("; the target" + note)
    assert verdict(target(shape, 8), draft(shape, 0.5, footprint=hybrid)).endswith(
        "; the draft" + note
    )


@pytest.mark.parametrize(
    ("of", "size", "words"),
    [
        (3, 0.5, "and a target this small seldom gains from a draft"),
        (7, 1.24, "expect a gain"),
        (7, 1.5, "larger than is worth trying here (at most 1B)"),
        (14, 3.2, "expect a gain"),
        (14, 7, "larger than is worth trying here (at most 3B)"),
        (32, 7.6, "expect a gain"),
        (32, 14, "larger than is worth trying here (at most 7B)"),
        (8, 8, "too large to make it faster"),
        (8, 70, "too large to make it faster"),
    ],
)
def test_the_published_rule_of_thumb(shape: Footprint, of: float, size: float, words: str) -> None:
    assert verdict(target(shape, of), draft(shape, size)).endswith(words)


def test_a_mixture_of_experts_is_warned_about(shape: Footprint) -> None:
    moe = target(shape, 30, experts=0.95)
    assert verdict(moe, draft(shape, 0.6)).endswith(
        "and the target is a mixture of experts, which a draft often makes slower"
    )
    assert verdict(moe, draft(shape, 4)).endswith("too large to make it faster")


def test_costs_measured_here_count_over_the_rule_of_thumb(shape: Footprint) -> None:
    cheap = {n: 0.03 + 0.0005 * n for n in range(1, 17)}
    dear = {n: 0.03 * n for n in range(1, 17)}
    little = draft(shape, 0.1, costs={1: 0.001})
    small = replace(target(shape, 1), costs=cheap)
    assert verdict(small, little).endswith("about a tenth of the target's size, expect a gain")
    assert verdict(replace(small, costs=dear), little).endswith("no gain to be expected")


def test_sizes_in_words() -> None:
    assert relative_size(8_000, 4_000) == "about half the target's size"
    assert relative_size(8_030, 1_240) == "about a sixth of the target's size"
    assert relative_size(70_000, 1_000) == "about a seventieth of the target's size"
    assert relative_size(600_000, 1_000) == "less than a hundredth of the target's size"
    assert relative_size(1_000, 900) == "nearly as large as the target"
    assert relative_size(1_000, 2_000) == "as large as the target"
    assert relative_size(1_000, 0) == "of unknown size"


# ------------------------------------------------------------------ predictions


def record(speedup: float, n: int = 3) -> Record:
    return Record("/m/d.gguf", n, speedup, 40.0, 0.71, 1.8e9)


def test_the_formula(shape: Footprint) -> None:
    """With free drafts and free verification, γ tokens at α bring (1 − α^(γ+1)) / (1 − α)."""
    subject = replace(target(shape, 8), costs={1: 1.0, 2: 1.0, 3: 1.0})
    prediction = predict(subject, draft(shape, 0.001, costs={1: 0.0}), on_gpu=True)
    assert prediction is not None and prediction.from_costs
    assert prediction.low == pytest.approx((1 + 0.5 + 0.25) / 1.02)
    assert prediction.high == pytest.approx((1 + 0.8 + 0.64) / 1.02)


def test_a_draft_never_costs_anything_where_it_can_be_left_out(shape: Footprint) -> None:
    assert predict(target(shape, 8), draft(shape, 8), on_gpu=False) == Prediction(1.0, 1.0, False)


def test_only_costs_of_both_models_make_a_prediction_from_costs(shape: Footprint) -> None:
    for subject_costs, draft_costs, wanted in (
        ({1: 0.1, 4: 0.2}, {1: 0.01}, True),
        ({1: 0.1, 4: 0.2}, {}, False),
        ({}, {1: 0.01}, False),
    ):
        prediction = predict(
            replace(target(shape, 8), costs=subject_costs),
            draft(shape, 1, costs=draft_costs),
            on_gpu=False,
        )
        assert prediction is not None and prediction.from_costs is wanted


def test_the_smaller_and_the_better_the_machine_the_more(shape: Footprint) -> None:
    def high(billions: float, on_gpu: bool, experts: float = 0) -> float:
        prediction = predict(target(shape, 32, experts), draft(shape, billions), on_gpu=on_gpu)
        assert prediction is not None
        return prediction.high

    assert high(0.5, True) > high(1.5, True) > high(7, True) > 1
    assert high(0.5, True) > high(0.5, False) > 1
    assert high(0.5, True) > high(0.5, True, experts=0.9)


def test_without_sizes_nothing_is_predicted(shape: Footprint) -> None:
    unknown = draft(shape, 0.5, footprint=None)
    assert predict(target(shape, 8), unknown, on_gpu=True) is None
    assert verdict(target(shape, 8), unknown) == "fits; about a sixteenth of the target's size"


def test_a_header_of_no_weights_or_of_experts_that_nothing_uses_is_no_error(
    shape: Footprint,
) -> None:
    idle = Footprint(replace(shape.shape, n_expert=8), Weights(layers=(10**9,), experts=10**9))
    for odd in (shape, idle):
        found = predict(Subject(model("odd", 1), odd), draft(shape, 0.5), on_gpu=True)
        assert found is not None and 1 <= found.low <= found.high


# ------------------------------------------------------------------ order


def names(advice: list[Advice]) -> list[str]:
    return [entry.candidate.model.name for entry in advice]


def test_the_best_comes_first_and_what_cannot_be_used_last(shape: Footprint) -> None:
    no = Compatibility("no", "another vocabulary")
    lack = memory(False, "does not fit: it takes at least 9 GiB in main memory, 1 GiB too much")
    candidates = [
        draft(shape, 0.1, "unfit", compatibility=no, record=record(9.0)),
        draft(shape, 0.2, "no room", memory=lack),
        draft(shape, 7, "large"),
        draft(shape, 0.5, "small"),
        draft(shape, 1, "measured fast", record=record(9.0)),
        draft(shape, 0.4, "measured slow", record=record(0.7)),
    ]
    advice = advise(target(shape, 8), candidates, on_gpu=True)
    assert names(advice) == [
        *("measured fast", "small", "large", "measured slow", "no room", "unfit")
    ]
    assert [entry.usable for entry in advice] == [True] * 4 + [False] * 2


def test_among_equals_the_smaller_comes_first(shape: Footprint) -> None:
    plain = [draft(shape, size, footprint=None) for size in (2, 1, 3)]
    assert names(advise(target(shape, 8), plain, on_gpu=True)) == ["1B", "2B", "3B"]


# ------------------------------------------------------------------ on this machine


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a target and drafts, in a home without any others."""
    for name in ("HF_HUB_CACHE", "HF_HOME", "LLAMA_CACHE", "OLLAMA_MODELS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    folder = tmp_path / "mine"
    folder.mkdir()
    big = write_tiny_model(folder / "target.gguf", n_layer=8, n_embd=64)
    write_draft_of(folder / "good.gguf", big, n_layer=1)
    write_draft_of(folder / "other.gguf", big, n_layer=1, pre="llama-bpe")
    write_tiny_model(folder / "unfit.gguf", vocab_size=900, n_embd=16)
    write_embedding_model(folder / "embedding.gguf")
    (folder / "broken.gguf").write_text("no model")
    (folder / "link.gguf").symlink_to(folder / "good.gguf")
    return folder


def look(folder: Path, free: int = 2**34) -> dict[str, Advice]:
    devices = [Device(MAIN, "CPU", free, 2**34)]
    found = survey(folder / "target.gguf", [folder], devices, PLAIN, PLAIN)
    assert found.target.model.name == "target"
    return {entry.candidate.model.name: entry for entry in found.drafts}


def test_every_language_model_but_the_target_is_judged_once(home: Path) -> None:
    found = look(home)
    assert set(found) - {"demo", "demo-draft"} == {"good", "other", "unfit"}
    assert next(iter(found)) == "good"
    assert found["good"].verdict.startswith("fits; about ")
    assert found["good"].candidate.memory is not None
    assert "texts are split otherwise" in found["other"].verdict
    assert found["unfit"].verdict == (
        "does not fit: vocabularies differ by 388 tokens, at most 128 are allowed"
    )


def test_little_memory_is_noticed(home: Path) -> None:
    assert "the memory does not" in look(home, free=2**20)["good"].verdict


def test_records_and_costs_are_taken_from_the_cache_folder(home: Path) -> None:
    target_path, good = home / "target.gguf", home / "good.gguf"
    store = CostStore(home.parent / "cache" / "specdec-tui" / "costs.json")
    for path, seconds in ((target_path, 0.01), (good, 0.001)):
        info = path.stat()
        curve = CostCurve({1: seconds, 8: 1.5 * seconds})
        store.save(f"{path}|{info.st_size}|{info.st_mtime_ns}|CPU", curve)
    prediction = look(home)["good"].prediction
    assert prediction is not None and prediction.from_costs
    stats = ReplyStats(
        n_tokens=100, n_drafted=100, n_accepted=71, decode_tok_s=36.0, baseline_tok_s=20.0
    )
    assert record_reply(target_path, good, stats)
    assert look(home)["good"].verdict == "measured here: 1.80× over 1 reply, 71% accepted"


def test_a_split_target_is_surveyed_as_a_whole(home: Path) -> None:
    write_tiny_model(home / "parts.gguf", n_layer=8, n_embd=64, split_max_tensors=20)
    devices = [Device(MAIN, "CPU", None, 0)]
    first = sorted(home.glob("parts-*"))[0]
    found = survey(first, [], devices, PLAIN, PLAIN)
    whole = survey(home / "target.gguf", [], devices, PLAIN, PLAIN)
    assert found.target.model.n_params == whole.target.model.n_params
    assert found.target.footprint == whole.target.footprint
