"""What drafts achieved on this machine, and what batches cost: kept, faded, and never invented."""

from __future__ import annotations

import json
import multiprocessing
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from core.engine.costs import CostCurve, CostStore
from core.models import records
from core.models.records import LOOKUP, costs_of, record_reply, records_for
from core.protocol import ReplyStats


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "target.gguf"
    path.write_bytes(b"target")
    return path


@pytest.fixture
def draft(tmp_path: Path) -> Path:
    path = tmp_path / "draft.gguf"
    path.write_bytes(b"draft")
    return path


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "drafts.db"


def reply(
    tok_s: float | None = 40.0, baseline: float | None = 20.0, n: int = 100, accepted: int = 60
) -> ReplyStats:
    return ReplyStats(
        n_tokens=n,
        n_drafted=80,
        n_accepted=accepted,
        decode_tok_s=tok_s,
        baseline_tok_s=baseline,
    )


def test_nothing_is_known_at_first(target: Path, kept: Path) -> None:
    assert records_for(target, path=kept) == {}
    assert not kept.exists(), "asking leaves no file behind"


def test_a_reply_is_recorded(target: Path, draft: Path, kept: Path) -> None:
    assert record_reply(target, draft, reply(), path=kept)
    (record,) = records_for(target, path=kept).values()
    assert (record.draft, record.n_replies) == (str(draft), 1)
    assert (record.speedup, record.tok_s) == (2.0, 40.0)
    assert record.acceptance_rate == 0.75
    assert record.last_used > 1.7e9


def test_replies_are_weighed_by_their_length_and_fade(
    target: Path, draft: Path, kept: Path
) -> None:
    record_reply(target, draft, reply(tok_s=20.0, n=1000), path=kept)
    record_reply(target, draft, reply(tok_s=60.0, n=10), path=kept)
    (record,) = records_for(target, path=kept).values()
    assert record.n_replies == 2
    assert 1.0 < record.speedup < 1.05
    for _ in range(200):
        record_reply(target, draft, reply(tok_s=60.0), path=kept)
    (record,) = records_for(target, path=kept).values()
    assert record.n_replies == 202
    assert record.speedup == pytest.approx(3.0, rel=0.01)


def test_each_draft_has_a_record_of_its_own(target: Path, draft: Path, kept: Path) -> None:
    record_reply(target, draft, reply(tok_s=30.0), path=kept)
    record_reply(target, LOOKUP, reply(tok_s=22.0), path=kept)
    record_reply(draft, target, reply(tok_s=1.0), path=kept)
    speedups = {name: r.speedup for name, r in records_for(target, path=kept).items()}
    assert speedups == {str(draft): 1.5, LOOKUP: pytest.approx(1.1)}


@pytest.mark.parametrize(
    "stats", [reply(tok_s=None), reply(baseline=None), reply(tok_s=0.0), reply(n=7)]
)
def test_what_says_nothing_is_not_recorded(
    target: Path, draft: Path, kept: Path, stats: ReplyStats
) -> None:
    assert not record_reply(target, draft, stats, path=kept)
    assert not kept.exists()


def test_a_reply_in_which_nothing_was_drafted_has_no_acceptance(
    target: Path, draft: Path, kept: Path
) -> None:
    stats = replace(reply(), n_drafted=0, n_accepted=0)
    record_reply(target, draft, stats, path=kept)
    assert records_for(target, path=kept)[str(draft)].acceptance_rate is None


def test_changed_and_deleted_files_do_not_count(target: Path, draft: Path, kept: Path) -> None:
    record_reply(target, draft, reply(), path=kept)
    draft.write_bytes(b"another draft")
    assert records_for(target, path=kept) == {}
    draft.write_bytes(b"draft")
    assert records_for(target, path=kept)
    target.write_bytes(b"another target")
    assert records_for(target, path=kept) == {}
    draft.unlink()
    assert not record_reply(target, draft, reply(), path=kept)


def test_a_damaged_file_counts_as_none_and_is_begun_anew(
    target: Path, draft: Path, kept: Path
) -> None:
    kept.parent.mkdir()
    for damage in (b"no database at all " * 100, b"SQLite format 3\0" + bytes(100), b""):
        kept.write_bytes(damage)
        assert records_for(target, path=kept) == {}
        assert record_reply(target, draft, reply(), path=kept)
        assert records_for(target, path=kept)[str(draft)].n_replies == 1


def test_a_damaged_row_counts_as_none(target: Path, draft: Path, kept: Path) -> None:
    record_reply(target, draft, reply(), path=kept)
    for change in ("seconds = 0", "n_tokens = 'many'"):
        with sqlite3.connect(kept) as database:
            database.execute(f"UPDATE drafts SET {change}")
        database.close()
        assert records_for(target, path=kept) == {}


def test_a_cache_folder_that_cannot_be_written_to_loses_nothing_else(
    target: Path, draft: Path, tmp_path: Path
) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert not record_reply(target, draft, reply(), path=blocked / "drafts.db")
    assert records_for(target, path=blocked / "drafts.db") == {}


def _record_some(target: Path, draft: Path, kept: Path) -> None:
    for _ in range(10):
        assert record_reply(target, draft, reply(), path=kept)


def test_several_processes_may_record_at_once(
    target: Path, draft: Path, kept: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "PATIENCE_S", 60.0)
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_record_some, args=(target, draft, kept)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert records_for(target, path=kept)[str(draft)].n_replies == 30


# ------------------------------------------------------------------ costs


def cost_key(model: Path, options: str) -> str:
    info = model.stat()
    return f"{model}|{info.st_size}|{info.st_mtime_ns}|{options}"


def test_the_engines_costs_are_read(target: Path, draft: Path, tmp_path: Path) -> None:
    path = tmp_path / "costs.json"
    store = CostStore(path)
    store.save(cost_key(target, "CPU|0|1 of 2 threads"), CostCurve({1: 0.02, 8: 0.04}))
    store.save(cost_key(target, "CPU|0|2 of 2 threads"), CostCurve({8: 0.03, 1: 0.01}))
    store.save(cost_key(draft, "CPU|0|2 of 2 threads"), CostCurve({1: 0.001}))
    assert costs_of(target, path=path) == {1: 0.01, 8: 0.03}
    assert costs_of(draft, path=path) == {1: 0.001}
    target.write_bytes(b"changed")
    assert costs_of(target, path=path) == {}


@pytest.mark.parametrize(
    "curve",
    [
        *({}, {"8": 0.1}, {"1": 0}, {"1": -1}, {"one": 1}, {"1": "x"}, {"1": None}, [1], None),
        *({"1": 10**400}, {"1": float("inf")}, {"1": 1, "0": 1}, {"1": 1, "-3": 1}),
    ],
)
def test_damaged_costs_count_as_none(target: Path, tmp_path: Path, curve: object) -> None:
    path = tmp_path / "costs.json"
    path.write_text(json.dumps({cost_key(target, "CPU"): curve}))
    assert costs_of(target, path=path) == {}


@pytest.mark.parametrize("text", ["", "[]", "{", "[" * 100_000, "3"])
def test_a_damaged_costs_file_counts_as_none(target: Path, tmp_path: Path, text: str) -> None:
    path = tmp_path / "costs.json"
    path.write_text(text)
    assert costs_of(target, path=path) == {}
