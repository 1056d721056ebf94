"""What this machine has measured: what each draft achieved with a target, reply by reply, and what
batches cost. Kept in the user's cache folder; nothing here is a guess.

The replies are a SQLite file, since several processes add to it; the costs are the engine's own
file (core.engine.costs writes it), which is only read here.
"""

from __future__ import annotations

import contextlib
import json
import math
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from platformdirs import user_cache_path

from core.paths import is_file

if TYPE_CHECKING:
    from core.protocol import DrafterInfo, ModelInfo

LOOKUP = "lookup"
"""In place of a draft's path: prompt lookup."""
FADING = 0.97
"""What is left of a reply's weight with each later one: the last thirty count most."""
MIN_TOKENS = 8
"""A shorter reply says nothing about speed."""
PATIENCE_S = 1.0
"""Others may write so long before a record is given up: it is worth no more."""

_SCHEMA = """
CREATE TABLE IF NOT EXISTS drafts (
    target TEXT, target_size INTEGER, draft TEXT, draft_size INTEGER,
    n_replies INTEGER, n_tokens REAL, seconds REAL, alone_seconds REAL,
    n_drafted REAL, n_accepted REAL, last_used REAL,
    PRIMARY KEY (target, target_size, draft, draft_size))
"""
_ADD = f"""
INSERT INTO drafts VALUES (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?)
ON CONFLICT DO UPDATE SET
    n_replies = n_replies + 1,
    n_tokens = n_tokens * {FADING} + excluded.n_tokens,
    seconds = seconds * {FADING} + excluded.seconds,
    alone_seconds = alone_seconds * {FADING} + excluded.alone_seconds,
    n_drafted = n_drafted * {FADING} + excluded.n_drafted,
    n_accepted = n_accepted * {FADING} + excluded.n_accepted,
    last_used = excluded.last_used
"""


class Totals(Protocol):
    """What is recorded of a reply; core.protocol.ReplyStats is such."""

    @property
    def n_tokens(self) -> int: ...
    @property
    def n_drafted(self) -> int: ...
    @property
    def n_accepted(self) -> int: ...
    @property
    def decode_tok_s(self) -> float | None: ...
    @property
    def baseline_tok_s(self) -> float | None: ...


@dataclass(frozen=True)
class Record:
    """What one draft achieved with one target, later replies counting more.

    `speedup`: the time that the target alone would have taken for the same tokens over the time
    that was taken; `acceptance_rate`: kept over drafted. `last_used`: seconds since the epoch.
    """

    draft: str
    n_replies: int
    speedup: float
    tok_s: float
    acceptance_rate: float | None
    last_used: float


def record_reply(
    target: Path, draft: Path | str, stats: Totals, *, path: Path | None = None
) -> bool:
    """Add a finished reply that one draft (a path, or LOOKUP) made from its beginning to its end.

    False, with nothing written, where it says nothing (too short, or the baseline was not
    measured), or where the cache folder refuses. `path`: the file, by default in that folder.
    """
    tok_s, baseline = stats.decode_tok_s, stats.baseline_tok_s
    if stats.n_tokens < MIN_TOKENS or not tok_s or not baseline:
        return False
    n = stats.n_tokens
    key = _key(target, draft)
    if key is None:
        return False
    values = (*key, n, n / tok_s, n / baseline, stats.n_drafted, stats.n_accepted, time.time())
    path = path or _default_path()
    for _ in range(2):
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(_open(path)) as database, database:
                database.execute(_SCHEMA)
                database.execute(_ADD, values)
        except sqlite3.OperationalError:  # locked for long, or the disk is full
            return False
        except sqlite3.DatabaseError:  # damaged: what was in it is lost, and nothing else is
            with contextlib.suppress(OSError):
                path.unlink()
        except OSError:
            return False
        else:
            return True
    return False


def record_served(target: ModelInfo, drafter: DrafterInfo, stats: Totals) -> bool:
    """`record_reply` for what is loaded: `drafter` served the whole reply, at the draft lengths
    that the governor chose. Without a draft there is nothing to record."""
    draft = drafter.model.path if drafter.model else LOOKUP
    return drafter.kind != "none" and record_reply(Path(target.path), draft, stats)


def records_for(target: Path, *, path: Path | None = None) -> dict[str, Record]:
    """What drafts achieved with this target, by the draft's path (or LOOKUP).

    Files that have changed since do not count. A damaged file counts as none.
    """
    size = _size(target)
    path = path or _default_path()
    if size is None or not is_file(path):
        return {}
    query = "SELECT * FROM drafts WHERE target = ? AND target_size = ?"
    records = {}
    try:
        with closing(_open(path)) as database:
            for row in database.execute(query, (_text(target), size)):
                record = _record(row)
                if record and (record.draft == LOOKUP or _size(Path(record.draft)) == row[3]):
                    records[record.draft] = record
    except (sqlite3.Error, OSError, TypeError, ValueError):
        return {}
    return records


def _open(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, timeout=PATIENCE_S)
    database.execute("PRAGMA synchronous = OFF")  # a cache may lose its last entries
    return database


def _key(target: Path, draft: Path | str) -> tuple[str, int, str, int] | None:
    sizes = _size(target), 0 if draft == LOOKUP else _size(Path(draft))
    if sizes[0] is None or sizes[1] is None:
        return None
    return _text(target), sizes[0], LOOKUP if draft == LOOKUP else _text(Path(draft)), sizes[1]


def _record(row: tuple[object, ...]) -> Record | None:
    draft, n_replies = str(row[2]), int(str(row[4]))
    n_tokens, seconds, alone, drafted, accepted, used = (float(str(value)) for value in row[5:11])
    if seconds <= 0 or alone <= 0:
        return None
    return Record(
        draft=draft,
        n_replies=n_replies,
        speedup=alone / seconds,
        tok_s=n_tokens / seconds,
        acceptance_rate=accepted / drafted if drafted > 0 else None,
        last_used=used,
    )


def _text(path: Path) -> str:
    """File names are bytes; SQLite wants text, and any mapping of one to the other will do."""
    return str(path.absolute()).encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except (OSError, ValueError):
        return None


def _default_path() -> Path:
    return user_cache_path("specdec-tui") / "drafts.db"


# ------------------------------------------------------------------ costs


def costs_of(model: Path, *, path: Path | None = None) -> Mapping[int, float]:
    """Seconds that batches of so many tokens take on `model` here, under those of the options it
    was measured with that decode a single token fastest; empty where it never was measured, or
    where the file has changed since.
    """
    path = path or user_cache_path("specdec-tui") / "costs.json"
    try:
        info = model.stat()
        kept = json.loads(path.read_text(encoding="utf-8"))
        curves = list(_curves(kept, f"{model.absolute()}|{info.st_size}|{info.st_mtime_ns}|"))
    except (OSError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return {}
    return min(curves, key=lambda curve: curve[1], default={})


def _curves(kept: Mapping[str, object], begin: str) -> Iterator[dict[int, float]]:
    for key, curve in kept.items():
        if key.startswith(begin) and isinstance(curve, dict):
            points = {int(n): float(seconds) for n, seconds in curve.items()}
            if 1 in points and all(n > 0 < s < math.inf for n, s in points.items()):
                yield dict(sorted(points.items()))
