"""What tokens may come and how likely, against llama.cpp's own samplers; and drawing them."""

from __future__ import annotations

import ctypes
from dataclasses import replace

import llama_cpp
import numpy as np
import pytest

from core.engine import leading as leading_module
from core.engine import others, sampling
from core.engine.leading import leading, likeliest
from core.engine.noise import clocks, crowd, few_clocks, uniform
from core.engine.penalties import penalties
from core.engine.sampling import distribution, draw
from core.protocol import Sampling

LOGITS = np.log(np.array([0.05, 0.4, 0.25, 0.2, 0.1], np.float32))
PENALTIES = {"repeat_penalty": 1.3, "presence_penalty": 0.5, "frequency_penalty": 0.2}
LARGE = 40_000


def plain(**changes: float) -> Sampling:
    return Sampling(**({"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0} | changes))


def as_dict(sampling: Sampling, logits=LOGITS) -> dict[int, float]:
    d = distribution(logits, sampling)
    return dict(zip(d.tokens.tolist(), d.p.round(6).tolist(), strict=True))


def of_llama_cpp(logits: np.ndarray, s: Sampling, text: list[int] = ()) -> np.ndarray:
    """The probabilities (n_vocab,) that llama.cpp's chain of samplers makes of a row."""
    n = len(logits)
    data = (llama_cpp.llama_token_data * n)()
    table = np.frombuffer(data, [("id", "i4"), ("logit", "f4"), ("p", "f4")])
    table["id"], table["logit"] = np.arange(n), logits
    row = llama_cpp.llama_token_data_array(data=data, size=n, selected=-1, sorted=False)
    penalty = (s.repeat_last_n, s.repeat_penalty, s.frequency_penalty, s.presence_penalty)
    chain = [
        llama_cpp.llama_sampler_init_penalties(n, *penalty),
        llama_cpp.llama_sampler_init_top_k(s.top_k),
        llama_cpp.llama_sampler_init_top_p(s.top_p, 1),
        llama_cpp.llama_sampler_init_min_p(s.min_p, 1),
        llama_cpp.llama_sampler_init_temp(s.temperature),
        llama_cpp.llama_sampler_init_dist(0),
    ]
    for token in text:
        llama_cpp.llama_sampler_accept(chain[0], token)
    for sampler in chain:
        llama_cpp.llama_sampler_apply(sampler, ctypes.byref(row))
        llama_cpp.llama_sampler_free(sampler)
    p = np.zeros(n)
    for i in range(row.size):
        p[row.data[i].id] = row.data[i].p
    return p


def ours(logits: np.ndarray, s: Sampling, text: list[int] = ()) -> np.ndarray:
    """The same of this engine, where everything is listed."""
    logits = logits.copy()
    if penalised := penalties(s):
        penalised.begin(text)
        penalised.apply(logits)
    d = distribution(logits, s)
    assert d.others is None
    p = np.zeros(len(logits))
    p[d.tokens] = d.p
    return p


def mixed_row(n: int, gap: float, seed: int = 0) -> np.ndarray:
    """Logits as a language model's: a few far above a crowd."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, n)
    logits[rng.choice(n, 5, replace=False)] = gap - np.array([0, 0.3, 1, 2, 4])
    return logits.astype(np.float32)


def test_without_limits_it_is_the_softmax():
    assert as_dict(plain()) == pytest.approx({1: 0.4, 2: 0.25, 3: 0.2, 4: 0.1, 0: 0.05}, abs=1e-5)


def test_temperature_zero_is_the_largest():
    assert as_dict(plain(temperature=0)) == {1: 1.0}


def test_top_p_keeps_the_token_that_reaches_it():
    assert set(as_dict(plain(top_p=0.66))) == {1, 2, 3}
    assert set(as_dict(plain(top_p=0.64))) == {1, 2}


def test_temperature_comes_last_as_in_llama_cpp():
    hot = as_dict(plain(temperature=2, min_p=0.3))
    assert set(hot) == {1, 2, 3}
    assert hot[1] / hot[3] == pytest.approx((0.4 / 0.2) ** 0.5, rel=1e-4)


@pytest.mark.parametrize("name", ["top_k", "top_p", "min_p", "temperature", "defaults"])
@pytest.mark.parametrize("penalised", [False, True])
@pytest.mark.parametrize("n_vocab", [12, 60])
def test_it_is_what_llama_cpps_samplers_make_of_it(name: str, penalised: bool, n_vocab: int):
    changes = {"top_p": 0.8, "min_p": 0.1, "temperature": 0.5, "top_k": 6}
    settings = Sampling() if name == "defaults" else plain(**{name: changes[name]})
    if penalised:
        settings = replace(settings, **(PENALTIES | {"repeat_last_n": 8}))
    rng = np.random.default_rng(3)
    for _ in range(40):
        row = rng.normal(0, 2, n_vocab).astype(np.float32)
        text = rng.integers(0, n_vocab, rng.integers(1, 30)).tolist()
        np.testing.assert_allclose(
            ours(row, settings, text), of_llama_cpp(row, settings, text), atol=2e-6
        )


# ------------------------------------------------------------------ penalties


@pytest.mark.parametrize("name", [*PENALTIES, "repeat_last_n"])
def test_each_penalty_is_llama_cpps_own(name: str):
    changes = {"repeat_last_n": 3, "repeat_penalty": 1.5} if name == "repeat_last_n" else {}
    settings = plain(**(changes or {name: PENALTIES[name]}))
    text = [4, 1, 1, 3, 1]
    p = ours(LOGITS, settings, text)
    np.testing.assert_allclose(p, of_llama_cpp(LOGITS, settings, text), atol=1e-6)
    assert not np.allclose(p, ours(LOGITS, plain()), atol=1e-3)


def test_penalties_move_with_the_text_and_back():
    settings = plain(repeat_last_n=4, **PENALTIES)
    rng = np.random.default_rng(5)
    moving = penalties(settings)
    assert moving is not None
    text = rng.integers(0, 60, 6).tolist()
    row = rng.normal(0, 2, 60).astype(np.float32)

    def at(some: list[int]) -> np.ndarray:
        fresh = penalties(settings)
        fresh.begin(list(some))
        logits = row.copy()
        fresh.apply(logits)
        return logits

    for _ in range(40):
        moving.begin(text)
        trial = rng.integers(0, 60, rng.integers(0, 8)).tolist()
        for i in range(len(trial) + 1):
            logits = row.copy()
            moving.apply(logits)
            np.testing.assert_array_equal(logits, at(text + trial[:i]))
            if i < len(trial):
                moving.push(trial[i])
        moving.rewind()
        logits = row.copy()
        moving.apply(logits)
        np.testing.assert_array_equal(logits, at(text))
        text += rng.integers(0, 60, rng.integers(1, 4)).tolist()
    shorter = text[3:]  # the oldest turns were left out
    moving.begin(shorter)
    logits = row.copy()
    moving.apply(logits)
    np.testing.assert_array_equal(logits, at(shorter))


def test_a_draft_may_lack_the_last_tokens_of_the_target():
    penalised = penalties(plain(repeat_penalty=2))
    assert penalised is not None
    penalised.begin([1, 7, 4])
    logits = np.ones(5, np.float32)
    penalised.apply(logits)
    assert logits.tolist() == [1, 0.5, 1, 1, 0.5]


def test_settings_that_change_nothing_have_no_penalties():
    assert penalties(Sampling()) is None
    assert penalties(Sampling(repeat_penalty=1.2, repeat_last_n=0)) is None


# ------------------------------------------------------------------ large vocabularies


@pytest.mark.parametrize("n_vocab", [50, 2_000, LARGE, 150_000])
@pytest.mark.parametrize("spread", [0.01, 3.0])
def test_the_top_k_of_a_large_vocabulary_are_the_largest(n_vocab: int, spread: float):
    logits = np.random.default_rng(0).normal(0, spread, n_vocab).astype(np.float32)
    found = distribution(logits, plain(top_k=40))
    assert set(found.tokens.tolist()) == set(np.argsort(logits)[-40:].tolist())
    assert found.p.sum() == pytest.approx(1)


@pytest.mark.parametrize("n", [65, 3_000, LARGE, LARGE + 3])
@pytest.mark.parametrize("gap", [3, 12, 30])
@pytest.mark.parametrize("deep", [False, True])
def test_the_leading_tokens_are_all_above_a_bound(n: int, gap: float, deep: bool):
    logits = mixed_row(n, gap)
    tokens, lowest = leading(logits, 5.0, 40, deep)
    assert tokens.tolist() == (logits > lowest).nonzero()[0].tolist()
    assert len(tokens) >= (logits > logits.max() - 5).sum() or len(tokens) >= 40
    assert likeliest(logits)[0] == int(logits.argmax())


@pytest.mark.parametrize("n", [3_000, LARGE])
def test_of_equal_tokens_all_lead(n: int):
    tokens, lowest = leading(np.zeros(n, np.float32), 5.0, 40)
    assert len(tokens) == n
    assert lowest < 0


def test_the_confidence_is_about_the_softmax(monkeypatch: pytest.MonkeyPatch):
    for gap in (15, 20, 30):  # of a crowd nearer than that a part is left out
        logits = mixed_row(LARGE, gap)
        token, p = likeliest(logits)
        monkeypatch.setattr(leading_module, "SMALL", LARGE + 1)
        assert likeliest(logits) == (token, pytest.approx(p, rel=0.1))
        monkeypatch.undo()


OPEN = {
    "all": {},
    "cool": {"temperature": 0.4},
    "hot": {"temperature": 2.0},
    "top-p": {"top_p": 0.9, "temperature": 1.3},
    "top-k": {"top_k": 3000},
    "min-p": {"min_p": 0.001},
    "both": {"top_k": 200, "top_p": 0.97, "min_p": 0.0005},
}


def test_others_that_are_few_are_treated_as_many(monkeypatch: pytest.MonkeyPatch):
    drawn = {}
    for few in (0, 10**6):
        monkeypatch.setattr(others, "FEW", few)
        listed = distribution(mixed_row(LARGE, 12), plain(top_p=0.9))
        assert listed.others.n_listed < len(listed.others.leading)
        drawn[few] = [draw(listed, 2, position) for position in range(300)]
    assert drawn[0] == drawn[10**6]
    assert len(set(drawn[0]) - set(listed.others.leading.tolist())) > 10


@pytest.mark.parametrize("name", OPEN)
@pytest.mark.parametrize("gap", [7, 11, 14])
def test_tokens_that_are_not_listed_come_as_often_as_they_should(name: str, gap: float):
    settings = plain(**OPEN[name])
    logits = mixed_row(LARGE, gap)
    p = of_llama_cpp(logits, settings)
    listed = distribution(logits, settings)
    drawn = [draw(listed, 8, position) for position in range(1500)]
    assert p[drawn].min() > 0
    order = (-p).argsort()
    rank = np.empty(LARGE, int)
    rank[order] = np.arange(LARGE)
    cumulative = p[order].cumsum()  # cells of about equal chance, by rank
    edges = np.unique(cumulative.searchsorted(np.linspace(0.1, 0.9, 9)))
    cells = edges.searchsorted(np.arange(LARGE), side="left")
    expected = np.bincount(cells, p[order]) * len(drawn)
    seen = np.bincount(cells[rank[drawn]], minlength=len(expected))
    kept = expected > 0.5
    assert ((seen - expected)[kept] ** 2 / expected[kept]).sum() < 27.9  # 9 degrees, p = 0.001
    share = p[listed.tokens].sum()
    assert (listed.p * share) == pytest.approx(p[listed.tokens], rel=1e-3, abs=1e-6)


# ------------------------------------------------------------------ draws


def test_draws_follow_the_distribution():
    settings = plain(top_k=4, temperature=0.8)
    d = distribution(LOGITS, settings)
    drawn = np.bincount([draw(d, 3, i) for i in range(20_000)], minlength=5) / 20_000
    for token, p in as_dict(settings).items():
        assert drawn[token] == pytest.approx(p, abs=4 * (p * (1 - p) / 20_000) ** 0.5)
    assert drawn[0] == 0


@pytest.mark.parametrize("name", ["top_p", "min_p", "temperature", "top_k"])
def test_few_candidates_are_treated_as_many(name: str, monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(2)
    changes = {"top_p": 0.8, "min_p": 0.1, "temperature": 0.5, "top_k": 6}
    settings = replace(plain(min_p=0.01), **{name: changes[name]})
    rows = rng.normal(0, 2, (300, 12)).astype(np.float32)
    few = [distribution(row, settings) for row in rows]
    drawn = [draw(d, 5, i) for i, d in enumerate(few)]
    monkeypatch.setattr(sampling, "FEW", 0)
    for i, (row, one) in enumerate(zip(rows, few, strict=True)):
        other = distribution(row, settings)
        assert one.tokens.tolist() == other.tokens.tolist()
        np.testing.assert_allclose(one.p, other.p)
        assert drawn[i] == draw(other, 5, i)


@pytest.mark.parametrize("few", [0, sampling.FEW])
def test_nearly_no_heat_is_no_error(few: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sampling, "FEW", few)
    for logits in (mixed_row(60, 5), mixed_row(LARGE, 9)):
        d = distribution(logits, plain(temperature=0.0005))
        assert draw(d, 1, 1) == int(logits.argmax())


def test_clocks_depend_on_seed_position_and_token_alone():
    tokens = np.arange(100)
    assert (clocks(1, 2, tokens)[10:20] == clocks(1, 2, tokens[10:20])).all()
    assert not (clocks(1, 2, tokens) == clocks(1, 3, tokens)).any()
    assert not (clocks(1, 2, tokens) == clocks(2, 2, tokens)).any()
    np.testing.assert_allclose(few_clocks(1, 2, tokens.tolist()), clocks(1, 2, tokens))


def test_clocks_are_exponential():
    many = np.concatenate([clocks(9, position, np.arange(1000)) for position in range(100)])
    assert many.mean() == pytest.approx(1, abs=0.02)
    assert many.std() == pytest.approx(1, abs=0.02)
    at_positions = np.array([clocks(9, position, np.array([5]))[0] for position in range(3000)])
    assert abs(np.corrcoef(at_positions[1:], at_positions[:-1])[0, 1]) < 0.06


def test_a_crowd_rings_the_same_however_it_is_asked():
    whole = crowd(3, 7, 0, 50)
    assert (crowd(3, 7, 20, 30) == whole[20:30]).all()
    assert not (crowd(3, 8, 0, 50) == whole).any()
    assert crowd(5, 1, 0, 40_000).mean(axis=0) == pytest.approx([0.5] * 3, abs=0.01)


def test_uniform_numbers_are_uniform():
    many = np.array([uniform(4, position) for position in range(20_000)])
    counts = np.histogram(many, bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-square, 19 degrees, p = 0.001
