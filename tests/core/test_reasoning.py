"""Reasoning and answer: told apart by the markers of each family, whole and as they stream in."""

from __future__ import annotations

from pathlib import Path

import pytest

from core.engine.reply import Ended, Grown, Limits, Reply
from core.engine.session import Session
from core.llama import log
from core.llama.chat_template import render
from core.protocol import ChatMessage, ModelOptions, Sampling
from core.reasoning import answer, may_begin, opened_by, split
from tests.support import tiny_gguf
from tests.support.tiny_gguf import CHATML, SPECIALS, write_tiny_model

QUESTION = [ChatMessage(role="user", content="why")]
OPENING_TEMPLATE = CHATML.replace("assistant\n", "assistant\n<think>\n")


@pytest.fixture(autouse=True)
def _quiet() -> None:
    log.capture_log(show=False)


@pytest.mark.parametrize(
    ("text", "reasoning", "said"),
    [
        ("<think>\nhm\n</think>\n\nYes.", "hm", "Yes."),
        ("\n<think>hm</think>Yes.", "hm", "Yes."),
        ("[THINK]hm[/THINK]Yes.", "hm", "Yes."),
        (
            "<|channel|>analysis<|message|>hm<|end|><|start|>assistant"
            "<|channel|>final<|message|>Yes.",
            "hm",
            "Yes.",
        ),
        ("<|channel|>final<|message|>Yes.", "", "Yes."),
        ("<think>\n\n</think>\n\nYes.", "", "Yes."),
        ("<think>one</think>\n<think>two</think>Yes.", "one\n\ntwo", "Yes."),
        ("Write <think> and </think> around it.", "", "Write <think> and </think> around it."),
        ("  indented", "", "  indented"),
        ("", "", ""),
    ],
)
def test_a_reply_in_two_parts(text: str, reasoning: str, said: str) -> None:
    parts = split(text)
    assert (parts.reasoning, parts.answer, parts.open) == (reasoning, said, False)


def test_reasoning_that_goes_on_has_no_answer_yet() -> None:
    assert split("<think>\nso far").open
    assert answer("<think>\nso far") == ""


def test_the_beginning_of_a_marker_may_become_one() -> None:
    assert all(may_begin("<think>"[:n]) for n in range(1, 8))
    assert not may_begin("<thing") and not may_begin("Yes")


def test_a_marker_that_the_template_wrote_belongs_to_the_reply(tmp_path: Path) -> None:
    assert OPENING_TEMPLATE != CHATML
    write_tiny_model(tmp_path / "m.gguf", chat_template=OPENING_TEMPLATE)
    session = Session(str(tmp_path / "m.gguf"), ModelOptions(n_threads=1), 2)
    steps = list(Reply(session, QUESTION, Sampling(temperature=0), Limits(8)).steps())
    streamed = "".join(step.text for step in steps if isinstance(step, Grown))
    end = steps[-1]
    assert isinstance(end, Ended) and end.text.startswith("<think>\n")
    assert end.text.startswith(streamed) and streamed.count("<think>") == 1
    again = Reply(session, QUESTION, Sampling(temperature=0), Limits(8))
    assert again._tally.n_prompt == steps[-1].stats.n_prompt
    session.close()


def test_a_reply_that_is_continued_is_not_opened_twice() -> None:
    begun = [*QUESTION, ChatMessage(role="assistant", content="<think>\nso far")]
    prompt = render(OPENING_TEMPLATE, begun)
    assert prompt.endswith("assistant\n<think>\nso far") and prompt.count("<think>") == 1
    assert opened_by(prompt) == ""


def test_markers_are_text_though_they_are_control_tokens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tiny_gguf, "SPECIALS", (*SPECIALS, "[THINK]", "[/THINK]", "[INST]"))
    write_tiny_model(tmp_path / "m.gguf")
    session = Session(str(tmp_path / "m.gguf"), ModelOptions(n_threads=1), 2)
    model = session.model
    tokens = model.tokenize("[THINK]a[/THINK][INST]", add_special=False, parse_special=True)
    assert len(tokens) == 4
    assert b"".join(map(model.piece, tokens)) == b"[THINK]a[/THINK]"
    session.close()
