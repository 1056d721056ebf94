"""`specdec-tui bench --drafts A,B`: drafts ranked on the same prompts, the user's or our own."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from core.bench.board import Standing
from core.bench.contenders import Board, BoardPlan, Contender
from core.bench.prompts import OWN, Prompt
from core.bench.results import BASELINE
from core.errors import SpecdecError
from core.models.choose import choose_pair
from core.models.untrusted import shown
from core.protocol import ChatMessage
from core.settings import Settings
from tui import figures
from tui.choices import chosen_offer, model_name, with_drafts_found
from tui.commands.output import table

MOST_CHARACTERS = 2**20
ALL, CHATS, MOST_FROM_CHATS = "all", "chats", 24
HEADING = ("draft", "tok/s", "speed-up", "from", "to", "faster", "accepted", "a round", "same text")


def contenders(settings: Settings, names: Sequence[str]) -> tuple[Path, tuple[Contender, ...]]:
    """The target, and the drafts that `names` mean: paths, names, `lookup` or `none`.

    Raises SpecdecError where one is not there or does not fit.
    """
    # not `demo`, which would leave no draft but the bundled one in force
    settings = replace(settings, demo=False, target=settings.pair()[0])
    target, found = Path(), list[Contender]()
    for name in _named(settings, names):
        target, choice = choose_pair(replace(settings, draft=name))
        named = model_name(choice.path) if choice.path else choice.kind
        taken = any(contender.name == named for contender in found)
        found.append(Contender(choice.path if taken and choice.path else named, choice))
    if all(contender.choice.kind == "none" for contender in found):
        raise SpecdecError("--drafts names no draft to measure beside none.", kind="settings")
    return target, tuple(found)


def _named(settings: Settings, names: Sequence[str]) -> list[str]:
    """The names, `all` being prompt lookup and every draft on this machine that fits."""
    if ALL not in names:
        return list(names)
    offer = with_drafts_found(chosen_offer(settings), settings)
    return [draft.path or draft.kind for draft in offer.drafts if draft.usable]


def own_prompts(name: str) -> tuple[Prompt, ...]:
    """The prompts of a text file (`-`: of stdin), one a paragraph, or (CHATS) the last ones of the
    conversations that are kept here. Raises SpecdecError."""
    asked = asked_before() if name == CHATS else paragraphs(_read(name))
    if not asked:
        where = "your chats" if name == CHATS else shown(name)
        raise SpecdecError(f"--prompts: there is no prompt in {where}.", kind="settings")
    return tuple(
        Prompt(OWN, number, (ChatMessage(role="user", content=prompt),))
        for number, prompt in enumerate(asked)
    )


def _read(name: str) -> str:
    try:
        with sys.stdin if name == "-" else Path(name).open(encoding="utf-8") as file:
            return file.read(MOST_CHARACTERS)
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) and error.strerror else "no UTF-8 text"
        raise SpecdecError(
            f"--prompts: {shown(name)} cannot be read ({why}).", kind="settings"
        ) from None


def asked_before() -> list[str]:
    """The last messages of the user's in the conversations on disk, each once, newest first."""
    from core.chats.store import Store

    found: dict[str, None] = {}
    with closing(Store()) as store:
        for listed in store.chats():
            _, messages = store.load(listed.id)
            asked = [m.text.strip() for m in messages.values() if m.role == "user"]
            found.update(dict.fromkeys(text for text in reversed(asked) if text))
            if len(found) >= MOST_FROM_CHATS:
                break
    return list(found)[:MOST_FROM_CHATS]


def paragraphs(text: str) -> list[str]:
    """What stands between blank lines, without the blanks around it."""
    found: list[list[str]] = [[]]
    for line in text.splitlines():
        if line.strip():
            found[-1].append(line.rstrip())
        elif found[-1]:
            found.append([])
    return ["\n".join(lines) for lines in found if lines]


def board_report(board: Board, plan: BoardPlan) -> str:
    """The board as text, best first, and what it rests on."""
    rows = [HEADING, *map(_row, board.standings)]
    prompts = figures.count(len(plan.prompts), "prompt")
    basis = (
        f"{figures.count(len(plan.prompts) * plan.repeats, 'run')} by each: {prompts}, "
        f"{figures.count(plan.repeats, 'time')}; at most {plan.max_tokens} tokens, "
        f"temperature {plan.sampling.temperature:g}, draft length {plan.load.draft_len}"
    )
    return "\n".join(
        [
            f"target  {shown(board.target.name, 60)}",
            "",
            table(rows, right=tuple(range(1, len(HEADING)))),
            "",
            basis,
        ]
    )


def _row(standing: Standing) -> tuple[str, ...]:
    tok_s = figures.DASH if standing.tok_s is None else f"{standing.tok_s:,.1f}"
    return (
        shown(standing.variant, 48),
        tok_s,
        figures.speedup(standing.speedup),
        figures.speedup(standing.low),
        figures.speedup(standing.high),
        "" if standing.variant == BASELINE else f"{standing.n_faster}/{standing.n_replies}",
        figures.percent(standing.acceptance_rate),
        figures.per_round(standing.tokens_per_round),
        figures.percent(standing.same_text),
    )
