import numpy as np
import pytest

from core.engine import sampling
from core.engine.sampling import distribution, draw, noise, uniform
from core.protocol import Sampling

LOGITS = np.log(np.array([0.05, 0.4, 0.25, 0.2, 0.1], np.float32))


def plain(**changes: float) -> Sampling:
    return Sampling(**({"temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0} | changes))


def as_dict(sampling: Sampling, logits=LOGITS) -> dict[int, float]:
    d = distribution(logits, sampling)
    return dict(zip(d.tokens.tolist(), d.p.round(6).tolist(), strict=True))


def test_without_limits_it_is_the_softmax():
    assert as_dict(plain()) == pytest.approx({1: 0.4, 2: 0.25, 3: 0.2, 4: 0.1, 0: 0.05}, abs=1e-5)


def test_temperature_zero_is_the_largest():
    assert as_dict(plain(temperature=0)) == {1: 1.0}


def test_top_k_keeps_k():
    assert as_dict(plain(top_k=2)) == pytest.approx({1: 0.4 / 0.65, 2: 0.25 / 0.65}, abs=1e-5)


def test_top_p_keeps_the_token_that_reaches_it():
    assert set(as_dict(plain(top_p=0.66))) == {1, 2, 3}
    assert set(as_dict(plain(top_p=0.64))) == {1, 2}


def test_min_p_is_a_share_of_the_likeliest():
    assert set(as_dict(plain(min_p=0.3))) == {1, 2, 3}


def test_temperature_comes_last_as_in_llama_cpp():
    hot = as_dict(plain(temperature=2, min_p=0.3))
    assert set(hot) == {1, 2, 3}
    assert hot[1] / hot[3] == pytest.approx((0.4 / 0.2) ** 0.5, rel=1e-4)


@pytest.mark.parametrize("n_vocab", [50, 2_000, 150_000])
@pytest.mark.parametrize("spread", [0.01, 3.0])
def test_the_top_k_of_a_large_vocabulary_are_the_largest(n_vocab: int, spread: float):
    logits = np.random.default_rng(0).normal(0, spread, n_vocab).astype(np.float32)
    found = distribution(logits, plain(top_k=40))
    assert set(found.tokens.tolist()) == set(np.argsort(logits)[-40:].tolist())
    assert found.p.sum() == pytest.approx(1)


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
    settings = plain(min_p=0.01).model_copy(update={name: changes[name]})
    rows = rng.normal(0, 2, (300, 12)).astype(np.float32)
    few = [distribution(row, settings) for row in rows]
    drawn = [draw(d, 5, i) for i, d in enumerate(few)]
    monkeypatch.setattr(sampling, "FEW", 0)
    for i, (row, one) in enumerate(zip(rows, few, strict=True)):
        other = distribution(row, settings)
        assert one.tokens.tolist() == other.tokens.tolist()
        np.testing.assert_allclose(one.p, other.p)
        assert drawn[i] == draw(other, 5, i)


def test_noise_depends_on_seed_position_and_token_alone():
    tokens = np.arange(100)
    assert (noise(1, 2, tokens)[10:20] == noise(1, 2, tokens[10:20])).all()
    assert not (noise(1, 2, tokens) == noise(1, 3, tokens)).any()
    assert not (noise(1, 2, tokens) == noise(2, 2, tokens)).any()


def test_noise_is_gumbels():
    many = np.concatenate([noise(9, position, np.arange(1000)) for position in range(100)])
    assert many.mean() == pytest.approx(np.euler_gamma, abs=0.02)
    assert many.std() == pytest.approx(np.pi / 6**0.5, abs=0.02)
    at_positions = np.array([noise(9, position, np.array([5]))[0] for position in range(3000)])
    assert abs(np.corrcoef(at_positions[1:], at_positions[:-1])[0, 1]) < 0.06


def test_uniform_numbers_are_uniform():
    many = np.array([uniform(4, position) for position in range(20_000)])
    counts = np.histogram(many, bins=20, range=(0, 1))[0]
    assert ((counts - 1000) ** 2 / 1000).sum() < 43.8  # chi-square, 19 degrees, p = 0.001
