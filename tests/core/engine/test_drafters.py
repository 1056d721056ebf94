from collections.abc import Iterator
from pathlib import Path

import pytest

from core.engine.cache import TokenCache
from core.engine.choice import Chooser
from core.engine.drafters import ModelDrafter, PromptLookupDrafter
from core.llama.context import Context
from core.llama.model import Model
from core.protocol import ModelOptions, Sampling


def never(_logits: object, _ids: object) -> tuple[int, float]:
    raise AssertionError("a lookup has no logits to pick from")


def lookup(tokens: list[int], n: int = 8) -> list[int]:
    drafter = PromptLookupDrafter()
    drafter.begin(tokens, lambda _: True)
    return drafter.propose(tokens, n, never).tokens


def test_what_followed_last_time_is_proposed():
    assert lookup([1, 2, 3, 4, 5, 9, 1, 2, 3], 3) == [4, 5, 9]


def test_nothing_is_proposed_where_nothing_repeats():
    assert lookup([1, 2, 3, 4, 5]) == []
    assert lookup([]) == []
    assert lookup([1]) == []


def test_the_longest_match_wins_over_a_later_short_one():
    text = [1, 2, 3, 4, 70, 9, 9, 3, 4, 80, 9, 1, 2, 3, 4]
    assert lookup(text, 1) == [70]


def test_of_equal_matches_the_latest_wins():
    assert lookup([1, 2, 50, 1, 2, 60, 1, 2], 1) == [60]


def test_a_repetition_that_reaches_the_end_of_the_text_goes_on():
    assert lookup([1, 2, 1, 2], 5) == [1, 2, 1, 2, 1]
    assert lookup([9, 7, 7, 7], 3) == [7, 7, 7]


def test_the_index_follows_a_growing_text():
    drafter, tokens = PromptLookupDrafter(), [1, 2, 3]
    drafter.begin(tokens, lambda _: True)
    assert drafter.propose(tokens, 4, never).tokens == []
    tokens += [7, 1, 2, 3]
    assert drafter.propose(tokens, 2, never).tokens == [7, 1]
    tokens += [8, 2, 3]
    assert drafter.propose(tokens, 1, never).tokens == [8]


def test_a_new_reply_forgets_the_old_text():
    drafter = PromptLookupDrafter()
    drafter.begin([1, 2, 3], lambda _: True)
    drafter.propose([1, 2, 3, 1, 2], 2, never)
    drafter.begin([4, 1, 2], lambda _: True)
    assert drafter.propose([4, 1, 2], 2, never).tokens == []


def test_a_conversation_that_goes_on_is_not_read_again():
    drafter, tokens = PromptLookupDrafter(), [1, 2, 3]
    drafter.begin(tokens, lambda _: True)
    text = drafter._text
    drafter.begin([1, 2, 3, 4, 1, 2], lambda _: True)
    assert drafter._text is text
    assert drafter.propose([1, 2, 3, 4, 1, 2], 2, never).tokens == [3, 4]


def test_a_longer_match_is_a_surer_one():
    drafter = PromptLookupDrafter()
    drafter.begin([1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5], lambda _: True)
    long = drafter.foresee([1, 2, 3, 4, 5, 6, 7, 1, 2, 3, 4, 5], 2)
    drafter.begin([4, 5, 6, 7, 4, 5], lambda _: True)
    short = drafter.foresee([4, 5, 6, 7, 4, 5], 2)
    assert long.tokens == short.tokens == [6, 7]
    assert long.p[0] > short.p[0]


# ------------------------------------------------------------------ sampling on the device


@pytest.fixture
def pair(models: Path) -> Iterator[tuple[ModelDrafter, ModelDrafter]]:
    """The same draft twice: one sends all its logits, the other the largest, found by the device
    (here the CPU, which can do it too)."""
    model = Model(str(models / "good.gguf"), ModelOptions(n_threads=1))
    options = ModelOptions(n_threads=1, n_ctx=256)
    contexts = [Context(model, options, max_rows=8, top_k=k) for k in (0, 64)]
    assert [context.top_k for context in contexts] == [0, 64]
    plain, device = (ModelDrafter("d", TokenCache(c), 512, 8, lambda: None) for c in contexts)
    yield plain, device
    for context in contexts:
        context.close()
    model.close()


SETTINGS = {
    "greedy": Sampling(temperature=0),
    "greedy, penalised": Sampling(temperature=0, repeat_penalty=1.5, frequency_penalty=0.3),
    "drawn": Sampling(temperature=0.8, top_k=20, seed=3),
    "drawn, penalised": Sampling(temperature=0.8, top_k=20, seed=3, presence_penalty=2.0),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_device_that_sends_the_largest_logits_proposes_the_same(pair, name: str):
    text, proposals = list(range(60, 90)), []
    for drafter in pair:
        chooser = Chooser(SETTINGS[name], "exact")
        drafter.begin(text, lambda _: True)
        chooser.begin_round("d", text)
        proposals.append(drafter.propose(text, 8, chooser.pick))
    plain, device = proposals
    assert len(plain.tokens) > 4
    assert plain.tokens == device.tokens
    assert plain.p == pytest.approx(device.p, abs=0.05)


def test_a_token_that_the_target_lacks_is_not_proposed_by_a_device_either(models: Path):
    model = Model(str(models / "good.gguf"), ModelOptions(n_threads=1))
    context = Context(model, ModelOptions(n_threads=1, n_ctx=256), max_rows=8, top_k=64)
    drafter = ModelDrafter("d", TokenCache(context), 300, 8, lambda: None)
    text = list(range(60, 90))
    drafter.begin(text, lambda _: True)
    chooser = Chooser(Sampling(temperature=0))
    chooser.begin_round("d", text)
    assert max(drafter.propose(text, 8, chooser.pick).tokens) < 300
    context.close()
    model.close()
