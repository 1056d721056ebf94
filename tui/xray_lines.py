"""What X-ray says beside the picture: the legend with its counts, and one token in words."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content

from core.protocol import ReplyStats
from tui import figures
from tui.sanitize import clean_line
from tui.token_layout import CLOSE, OPEN, Look, Spelling, shown
from tui.token_looks import style_of
from tui.trace import Counts, Proposed, RoundFacts, Trace

GAP = "   "
MOST_REJECTED = 16
"""Rejected proposals that are named; a longer draft is cut short."""


def legend(trace: Trace, width: int, with_rejected: bool) -> list[Content]:
    """Each way in which tokens came, drawn as they are, with how many did; wrapped."""
    counts, kinds = trace.counts, dict(trace.drafters)
    entries: list[tuple[Look, str, int]] = []
    for name, number in counts.accepted.items():
        look: Look = "lookup" if kinds.get(name) == "lookup" else "model"
        entries.append((look, f"accepted, {clean_line(name, 24)}", number))
    if not counts.accepted:
        entries.append(("model", "accepted", 0))
    entries.append(("corrected", "corrected", counts.corrected))
    entries.append(("bonus", "bonus", counts.bonus))
    entries.append(("target", "the target alone", counts.alone))
    parts = [
        Content.assemble((f" {label} ", style_of(look, True)), f" {number:,}")
        for look, label, number in entries
    ]
    hidden = "" if with_rejected else " (hidden)"
    label = Content.assemble(
        (OPEN, style_of("bracket")),
        ("rejected", style_of("rejected")),
        (CLOSE, style_of("bracket")),
    )
    parts.append(Content.assemble(label, f" {counts.rejected:,}", (hidden, "$muted")))
    return _joined(parts, width)


def check_line(counts: Counts, stats: ReplyStats | None) -> Content:
    """What was counted token by token, against what the engine says of the whole reply."""
    share = counts.n_accepted / counts.n_drafted if counts.n_drafted else None
    counted = (
        f"{figures.count(counts.n_tokens, 'token')} in {figures.count(counts.rounds, 'round')}, "
        f"accepted {counts.n_accepted}/{counts.n_drafted} {figures.percent(share)}"
    )
    if stats is None:
        return Content.styled(counted, "$foreground")
    if counts.agree(stats):
        return Content.assemble(counted, ("  as the engine counted", "$muted"))
    engine = (
        f"  but the engine counted {figures.count(stats.n_tokens, 'token')} in "
        f"{figures.count(stats.n_rounds, 'round')}, accepted {stats.n_accepted}/{stats.n_drafted}"
    )
    return Content.assemble(counted, (engine, "$failure"))


def token_lines(trace: Trace, index: int, left_out: bool) -> list[Content]:
    """The token under the cursor: what it is and how it came; its round; what was rejected."""
    round_ = trace.round(trace.round_of(index))
    spelling = _spelling_before(trace, index)
    before = spelling.fork()
    token = _quoted(trace, trace.token(index), spelling)
    lines = [
        Content.assemble((token, "bold"), "  ", *how(trace, index, round_)),
        Content.styled(_place(trace, index, left_out), "$muted"),
        Content.styled(_round(trace, round_), "$muted"),
    ]
    if round_.rejected:
        first_rejected = round_.first + round_.n_accepted
        if first_rejected != index:
            before = _spelling_before(trace, first_rejected)
        lines.append(_rejected(trace, round_.rejected, before))
    return lines


def how(trace: Trace, index: int, round_: RoundFacts) -> list[tuple[str, str]]:
    """How a token came, in words, the first of them in its colour."""
    name = clean_line(round_.drafter, 40)
    match trace.origin(index):
        case "accepted":
            look: Look = "lookup" if round_.kind == "lookup" else "model"
            p = trace.p(index)
            sure = f", {figures.percent(p)} sure" if p is not None else ""
            place = f", as {index - round_.first + 1} of {round_.n_drafted}"
            return [("accepted", style_of(look)), (f": {name} proposed it{sure}{place}", "")]
        case "corrected":
            first = round_.rejected[0]
            sure = f", {figures.percent(first.p)} sure" if first.p is not None else ""
            spelling = _spelling_before(trace, index)
            instead = _quoted(trace, first.id, spelling)
            said = f": the target's own, in place of {instead} ({name}{sure})"
            return [("corrected", style_of("corrected")), (said, "")]
        case "bonus":
            kept = f"all {round_.n_drafted} proposals" if round_.n_drafted > 1 else "the proposal"
            return [("bonus", style_of("bonus")), (f": the target's own, after {kept} held", "")]
        case _:
            return [("the target alone", style_of("target")), (": nothing was proposed", "")]


def _place(trace: Trace, index: int, left_out: bool) -> str:
    id = trace.token(index)
    parts = [f"token {index + 1:,} of {trace.n_tokens:,}", f"id {id}"]
    piece = trace.vocabulary.get(id, b"")
    if isinstance(piece, str):
        parts.append("a control token")
    elif piece:
        parts.append("bytes " + piece[:16].hex(" ") + ("…" if len(piece) > 16 else ""))
    if left_out:
        parts.append("not part of the text")
    return " · ".join(parts)


def _round(trace: Trace, round_: RoundFacts) -> str:
    parts = [f"round {round_.number + 1:,}/{trace.n_rounds:,}"]
    if round_.n_drafted:
        parts.append(f"accepted {round_.n_accepted}/{round_.n_drafted}")
        parts.append(f"draft {_milliseconds(round_.draft_s)}")
    parts.append(f"target {_milliseconds(round_.verify_s)}")
    if round_.n_drafted:
        parts.append(f"by {clean_line(round_.drafter, 40)}")
    return " · ".join(parts)


def _rejected(trace: Trace, rejected: Sequence[Proposed], spelling: Spelling) -> Content:
    parts: list[Content | str | tuple[str, str]] = [("rejected  ", "$muted")]
    for proposed in rejected[:MOST_REJECTED]:
        parts.append((_quoted(trace, proposed.id, spelling), style_of("rejected")))
        parts.append((f" {figures.percent(proposed.p)}" if proposed.p is not None else "", ""))
        parts.append("  ")
    return Content.assemble(*parts, "…" if len(rejected) > MOST_REJECTED else "")


def _quoted(trace: Trace, id: int, spelling: Spelling) -> str:
    piece = trace.vocabulary.get(id, b"")
    text = shown(piece, spelling).shown.replace("\n", "↵")
    return text if isinstance(piece, str) else f'"{text}"'


def _spelling_before(trace: Trace, index: int) -> Spelling:
    """What has been read of a character before a token: it has four bytes at most."""
    spelling = Spelling()
    for i in range(max(0, index - 8), index):
        piece = trace.vocabulary.get(trace.token(i), b"")
        if isinstance(piece, bytes):
            spelling.read(piece)
    return spelling


def _milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms" if seconds < 0.1 else f"{seconds * 1000:.0f} ms"


def _joined(parts: Sequence[Content], width: int) -> list[Content]:
    """Side by side, on as many lines as it takes."""
    lines: list[list[Content]] = [[]]
    used = 0
    for part in parts:
        if lines[-1] and used + len(GAP) + part.cell_length > width:
            lines.append([])
            used = 0
        used += part.cell_length + (len(GAP) if lines[-1] else 0)
        lines[-1].append(part)
    return [Content(GAP).join(line).truncate(width, ellipsis=True) for line in lines]
