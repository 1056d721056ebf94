"""That speculation changes no distribution: proved by counting, and that the proof can fail.

A target and a draft over six tokens, as tables of logits; the joint distribution of the first
three tokens, with speculation, is compared with the exact one of the target alone (chi-square,
p > 0.001).
"""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from core.engine import choice
from core.engine.choice import Chooser, WayRecord
from core.engine.sampling import Distribution, distribution
from core.engine.verify import agreement, overlap, residual
from core.protocol import Sampling

N_VOCAB, DEPTH, N_SAMPLES = 6, 3, 20_000
_rng = np.random.default_rng(1)
TARGET = _rng.normal(0, 1.5, (N_VOCAB + 1, N_VOCAB)).astype(np.float32)
DRAFT = (TARGET + _rng.normal(0, 1.0, TARGET.shape)).astype(np.float32)
SETTINGS = {
    "plain": Sampling(temperature=1, top_k=0, top_p=1, min_p=0),
    "cool": Sampling(temperature=0.6, top_k=0, top_p=1, min_p=0),
    "top-k": Sampling(temperature=1.2, top_k=3, top_p=1, min_p=0),
    "top-p": Sampling(temperature=0.9, top_k=0, top_p=0.8, min_p=0),
    "min-p": Sampling(temperature=1.5, top_k=0, top_p=1, min_p=0.15),
    "all": Sampling(temperature=0.8, top_k=5, top_p=0.95, min_p=0.05),
}


@pytest.fixture(autouse=True)
def _each_row_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """There are a dozen rows of logits and a million looks at them."""
    known: dict[tuple[object, ...], Distribution] = {}

    def remembered(logits: np.ndarray, sampling: Sampling) -> Distribution:
        s = sampling
        key = (logits.tobytes(), s.temperature, s.top_k, s.top_p, s.min_p)
        if key not in known:
            known[key] = distribution(logits, sampling)
        return known[key]

    monkeypatch.setattr(choice, "distribution", remembered)


def exact_probabilities(sampling: Sampling) -> dict[tuple[int, ...], float]:
    """The chance of every text of DEPTH tokens under the target alone; the next token depends on
    the last one."""
    after = [distribution(row, sampling) for row in TARGET]
    chances = {}
    for text in product(range(N_VOCAB), repeat=DEPTH):
        chance = 1.0
        for last, token in zip((N_VOCAB, *text), text, strict=False):
            chance *= after[last].of(token)
        chances[text] = chance
    return chances


def speculative_text(chooser: Chooser, n_draft: int) -> tuple[int, ...]:
    """DEPTH tokens made in rounds of up to `n_draft` proposals."""
    text: list[int] = []
    while len(text) < DEPTH:
        chooser.begin_round("d", len(text))
        drafted: list[int] = []
        rows = [text[-1] if text else N_VOCAB]
        for _ in range(n_draft):
            token, _p = chooser.pick(DRAFT[rows[-1]])
            drafted.append(token)
            rows.append(token)
        text += chooser.verify(drafted, TARGET[rows])
    return tuple(text[:DEPTH])


def chi_square_p(
    counts: dict[tuple[int, ...], int], chances: dict[tuple[int, ...], float]
) -> float:
    """Probability of a worse fit by chance (Wilson and Hilferty); rare texts are pooled."""
    n = sum(counts.values())
    assert not any(chances[text] == 0 for text in counts), "a text that the target cannot write"
    pooled_expected = pooled_seen = statistic = 0.0
    n_cells = 0
    for text, chance in chances.items():
        if chance * n < 8:
            pooled_expected += chance * n
            pooled_seen += counts.get(text, 0)
            continue
        statistic += (counts.get(text, 0) - chance * n) ** 2 / (chance * n)
        n_cells += 1
    if pooled_expected > 5:
        statistic += (pooled_seen - pooled_expected) ** 2 / pooled_expected
        n_cells += 1
    k = n_cells - 1
    z = ((statistic / k) ** (1 / 3) - (1 - 2 / (9 * k))) / (2 / (9 * k)) ** 0.5
    return float(0.5 * (1 - np.tanh(z * 0.7978845608 * (1 + 0.044715 * z * z))))


def sample(sampling: Sampling, way: str, n: int = N_SAMPLES, seed: int = 0) -> dict:
    """How often each text came, every one under a seed of its own."""
    mode = "rejection" if way == "rejection" else "exact"
    record = WayRecord()
    record.kept[way] = 1e9
    counts: dict[tuple[int, ...], int] = {}
    for i in range(n):
        settings = sampling.model_copy(update={"seed": seed * 1_000_003 + i})
        text = speculative_text(Chooser(settings, mode, {"d": record}), n_draft=2 + i % 2)
        counts[text] = counts.get(text, 0) + 1
    return counts


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("way", ["argmax", "coupled", "rejection"])
def test_the_joint_distribution_is_the_targets(way: str, name: str):
    sampling = SETTINGS[name]
    n = N_SAMPLES if name == "all" else N_SAMPLES // 4
    chances = exact_probabilities(sampling)
    assert chi_square_p(sample(sampling, way, n), chances) > 0.001


@pytest.mark.parametrize("seed", [1, 2])
def test_it_holds_for_other_seeds(seed: int):
    chances = exact_probabilities(SETTINGS["all"])
    assert chi_square_p(sample(SETTINGS["all"], "rejection", seed=seed), chances) > 0.001


def test_a_bias_of_two_percent_in_the_rule_is_caught(monkeypatch: pytest.MonkeyPatch):
    lenient = choice.uniform
    monkeypatch.setattr(choice, "uniform", lambda seed, at: max(lenient(seed, at) - 0.02, 0.0))
    chances = exact_probabilities(SETTINGS["plain"])
    assert chi_square_p(sample(SETTINGS["plain"], "rejection", 4 * N_SAMPLES), chances) < 0.001


def test_noise_shared_by_residual_and_proposal_would_be_caught(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(choice, "_DRAFT_SALT", 0)
    chances = exact_probabilities(SETTINGS["plain"])
    assert chi_square_p(sample(SETTINGS["plain"], "rejection"), chances) < 0.001


@pytest.mark.parametrize("way", ["argmax", "coupled"])
def test_a_seed_gives_the_same_text_whatever_was_drafted(way: str):
    record = WayRecord()
    record.kept[way] = 1e9
    for seed in range(50):
        sampling = SETTINGS["all"].model_copy(update={"seed": seed})
        texts = {
            speculative_text(Chooser(sampling, "exact", {"d": record}), n_draft)
            for n_draft in (0, 1, 2, 4)
        }
        assert len(texts) == 1


def test_the_chances_of_acceptance_are_what_is_counted():
    sampling = SETTINGS["plain"]
    p, q = distribution(TARGET[0], sampling), distribution(DRAFT[0], sampling)
    for way, expected in (("coupled", agreement(p, q)), ("rejection", overlap(p, q))):
        record = WayRecord()
        record.kept[way] = 1e9
        kept = 0
        for seed in range(4000):
            settings = sampling.model_copy(update={"seed": seed})
            mode = "rejection" if way == "rejection" else "exact"
            chooser = Chooser(settings, mode, {"d": record})
            chooser.begin_round("d", 0)
            token, _ = chooser.pick(DRAFT[0])
            kept += len(chooser.verify([token], TARGET[[0, token]])) == 2
        assert kept / 4000 == pytest.approx(expected, abs=0.03)


def test_rejection_keeps_at_least_what_coupling_keeps():
    for row in range(N_VOCAB):
        p, q = (distribution(t[row], SETTINGS["plain"]) for t in (TARGET, DRAFT))
        assert overlap(p, q) >= agreement(p, q)


def test_the_residual_of_equal_distributions_is_the_distribution():
    p = distribution(TARGET[0], SETTINGS["plain"])
    assert residual(p, p) is p


def test_auto_takes_what_keeps_more_and_with_a_seed_stays_exact():
    record = WayRecord()
    for row in range(N_VOCAB):
        record.record(*(distribution(t[row], SETTINGS["plain"]) for t in (TARGET, DRAFT)))
    assert record.best("auto") == "rejection"
    assert record.best("exact") in ("argmax", "coupled")
    seeded = Chooser(Sampling(temperature=1, seed=3), "auto", {"d": record})
    seeded.begin_round("d", 0)
    assert seeded._way != "rejection"
