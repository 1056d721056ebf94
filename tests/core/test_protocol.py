"""Messages are values: made by keyword, compared by what they hold, never changed."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, asdict, replace

import pytest

from core import wire
from core.protocol import (
    DraftChoice,
    Load,
    ModelOptions,
    ReplyStats,
    Round,
    Sampling,
    TokenInfo,
)


def test_defaults_are_not_shared() -> None:
    one, other = ReplyStats(), ReplyStats()
    one.accepted_per_position.append(0.5)
    assert other.accepted_per_position == []


def test_a_message_cannot_be_changed_but_replaced() -> None:
    sampling = Sampling(seed=3)
    with pytest.raises(FrozenInstanceError):
        sampling.seed = 4  # type: ignore[misc]
    assert replace(sampling, seed=4) == Sampling(seed=4)
    assert sampling == Sampling(seed=3) != Sampling(seed=4)


def test_what_is_missing_or_unknown_is_refused_by_name() -> None:
    with pytest.raises(TypeError, match="target"):
        Load()  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="colour"):
        Sampling(colour="red")  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="colour"):
        wire.read(Sampling, '{"colour": "red"}')


def test_equal_messages_have_the_same_hash_whatever_the_order_they_were_made_in() -> None:
    one = ModelOptions(n_ctx=512, n_batch=64)
    other = ModelOptions(n_batch=64, n_ctx=512)
    assert one == other and hash(one) == hash(other)
    assert DraftChoice() != ModelOptions()


def test_lines_come_back_as_what_was_written() -> None:
    stats = ReplyStats(n_tokens=3, accepted_per_position=[0.5])
    round_ = Round(
        id="a",
        text="é",
        tokens=[TokenInfo(id=1, origin="accepted", p_draft=0.25)],
        rejected=[7],
        n_drafted=2,
        n_accepted=1,
        draft_s=0.1,
        verify_s=0.2,
        n_ctx_used=9,
        stats=stats,
    )
    line = wire.write(round_)
    assert "\n" not in line and wire.read_event(line) == round_
    assert asdict(round_)["stats"]["n_tokens"] == 3
    load = Load(target="x.gguf", draft=DraftChoice(kind="lookup"), draft_len=5)
    assert wire.read_command(wire.write(load)) == load


@pytest.mark.parametrize(
    "line", ["", "{}", "[]", '{"type": "load"}', '{"type": "ready", "pid": 1}']
)
def test_what_is_no_command_is_refused(line: str) -> None:
    with pytest.raises(ValueError):
        wire.read_command(line)


def test_a_number_that_is_text_is_read_as_a_number() -> None:
    assert wire.read(Sampling, '{"top_k": "5"}').top_k == 5


def test_what_a_message_says_of_itself_can_be_read() -> None:
    assert repr(Sampling(seed=3)).startswith("Sampling(temperature=0.7")
