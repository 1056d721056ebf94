"""Synthetic models: what the files hold, and that llama.cpp makes of them the dialled text."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from gguf import GGUFReader, dequantize

from core.bench import shapes, synthetic
from core.bench.gguf_writer import Tensor, file_size, write_gguf
from core.bench.prompts import SYNTHETIC_KINDS, Prompt, prompts
from core.bench.runner import BenchPlan, run_bench
from core.bench.synthetic import Pair, write_pair
from core.errors import SpecdecError
from core.models.compat import compare
from core.models.gguf import read_header
from core.protocol import ChatMessage, Load
from tests.core.bench.conftest import EASY, HARD

TINY = shapes.pair_shape("tiny").target
WORDS = 256 + 3 + 9  # the first id that is a made-up word


def weights(path: Path) -> dict[str, np.ndarray]:
    reader = GGUFReader(str(path))
    return {t.name: dequantize(t.data, t.tensor_type) for t in reader.tensors}


# ------------------------------------------------------------------ the file


def test_the_gguf_package_reads_every_tensor_at_its_shape_and_type(pair: Pair) -> None:
    found = {t.name: t for t in GGUFReader(str(pair.target)).tensors}
    assert len(found) == 3 + 9 * TINY.n_layer
    assert found["token_embd.weight"].shape.tolist() == [TINY.n_embd, TINY.n_vocab]
    assert found["blk.1.attn_k.weight"].shape.tolist() == [TINY.n_embd, TINY.n_embd_kv]
    assert found["blk.0.ffn_down.weight"].shape.tolist() == [TINY.n_ff, TINY.n_embd]
    kinds = {name: t.tensor_type.name for name, t in found.items()}
    assert {kind for name, kind in kinds.items() if "norm" not in name} == {"Q8_0"}
    assert {kind for name, kind in kinds.items() if "norm" in name} == {"F32"}


def test_f16_files_hold_f16(tmp_path: Path) -> None:
    pair = write_pair(tmp_path, "tiny-f16")
    assert set(read_header(pair.target).tensor_types) == {"F16", "F32"}
    assert read_header(pair.draft).quantisation == "F16"
    embedding = weights(pair.target)["token_embd.weight"]
    assert set(np.unique(embedding)) == {-1.0, 1.0}


def test_the_draft_fits_the_target_and_both_are_marked(pair: Pair) -> None:
    target, draft = read_header(pair.target), read_header(pair.draft)
    assert compare(target, draft).verdict == "yes"
    assert target.text(synthetic.SHAPE_KEY) == draft.text(synthetic.SHAPE_KEY) == "tiny"


def test_a_wrong_number_of_bytes_is_refused(tmp_path: Path) -> None:
    short = Tensor("t.weight", (4, 8), "F32", lambda: [bytes(64), bytes(60)])
    with pytest.raises(ValueError, match=r"t\.weight: 128 bytes"):
        write_gguf(tmp_path / "x.gguf", {"general.architecture": "llama"}, [short])


@pytest.mark.parametrize(
    ("name", "target_m", "draft_m"),
    [("1.1b-50m", 1100, 50), ("1.1b-110m", 1100, 112), ("8b-1b", 8030, 1499)],
)
def test_presets_have_the_size_of_what_they_stand_for(
    name: str, target_m: float, draft_m: float
) -> None:
    pair = shapes.pair_shape(name)
    for shape, millions in ((pair.target, target_m), (pair.draft, draft_m)):
        tensors = synthetic._tensors(shape, np.arange(shape.n_vocab), 0)
        n_params = sum(math.prod(tensor.shape) for tensor in tensors)
        assert n_params == pytest.approx(millions * 1e6, rel=0.01)
        assert file_size(tensors) == pytest.approx(n_params * 34 / 32, rel=0.01)


def test_what_cannot_be_written_is_said_in_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SpecdecError, match=r"choose one of tiny, 1\.1b-50m"):
        write_pair(tmp_path, "70b")
    with pytest.raises(SpecdecError, match="from 0 to 1"):
        write_pair(tmp_path, "tiny", (0.5, 1.5))
    usage = synthetic.shutil.disk_usage(tmp_path)._replace(free=2**20)
    monkeypatch.setattr(synthetic.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(SpecdecError, match=r"8b-1b takes 9\.4 GiB"):
        write_pair(tmp_path, "8b-1b")
    assert not list(tmp_path.iterdir())


# ------------------------------------------------------------------ the text


def test_text_runs_in_closed_circles_that_no_special_token_is_part_of() -> None:
    cycles = synthetic._cycles(TINY.n_vocab)
    following = synthetic._successors(TINY.n_vocab, cycles)
    assert sorted(following) == list(range(TINY.n_vocab))
    assert following[256:259].tolist() == [256, 257, 258]
    ids = np.concatenate([ids for _, ids in cycles])
    assert len(set(ids.tolist())) == len(ids) == TINY.n_vocab - 3


@pytest.mark.parametrize("acceptance", [(1.0, 1.0), (0.0, 0.0), (0.95, 0.3)])
def test_the_dialled_share_holds_in_every_stretch(acceptance: tuple[float, float]) -> None:
    cycles = synthetic._cycles(TINY.n_vocab)
    following = synthetic._successors(TINY.n_vocab, cycles)
    draft = synthetic._disturbed(following, cycles, acceptance, np.random.default_rng(1))
    assert sorted(draft) == list(range(TINY.n_vocab))
    for region, ids in cycles:
        for i in range(4):
            stretch = ids[100 * i : 100 * (i + 1)]
            hard = region == "hard" or (region == "turning" and i % 2)
            agreed = int((draft[stretch] == following[stretch]).sum())
            assert agreed == round(100 * acceptance[bool(hard)])


def test_llama_cpp_follows_the_permutation_and_the_draft_is_as_right_as_dialled(
    load: Load,
) -> None:
    plan = BenchPlan(load, prompts(SYNTHETIC_KINDS), repeats=1, max_tokens=201, lengths=(1,))
    result = run_bench(plan)
    words = list(synthetic.islice(synthetic._words(), TINY.n_vocab - WORDS))
    cycles = synthetic._cycles(TINY.n_vocab)
    for sample in result.samples:
        _, ids = cycles[SYNTHETIC_KINDS.index(sample.kind) * synthetic.ENTRIES + sample.prompt]
        assert sample.text.split() == [words[t - WORDS] for t in ids[1:202]]
    # one token a round: each is judged by itself, and rounds end where a proposal was wrong
    assert result.figures("1", "easy").acceptance_rate == pytest.approx(EASY, abs=0.05)
    assert result.figures("1", "hard").acceptance_rate == pytest.approx(HARD, abs=0.06)
    assert result.same_text("auto", "none") == 1


def test_any_prompt_leads_into_text_that_does_not_end(load: Load) -> None:
    said = Prompt("easy", 0, (ChatMessage(role="user", content="Hello, who are you?"),))
    alone = replace(load, draft=replace(load.draft, kind="none"))
    (sample,) = run_bench(BenchPlan(alone, (said,), repeats=1, max_tokens=300)).samples
    assert sample.n_tokens == 300
