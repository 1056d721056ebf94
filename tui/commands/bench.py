"""`specdec-tui bench`: what a draft brings on this machine, by kind of prompt and draft length."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from core.bench.ending import ends_in_order
from core.bench.prompts import KINDS, SYNTHETIC_KINDS, Prompt, prompts
from core.bench.report import costs_document, costs_plot, result_document, result_plot
from core.bench.results import BASELINE, SERVER, BenchResult
from core.bench.runner import SWEEP, BenchPlan, run_bench, run_costs
from core.bench.synthetic import SHAPE_KEY, write_pair
from core.errors import SpecdecError
from core.models.choose import checked_header, choose_pair
from core.models.untrusted import shown
from core.protocol import Costs, DraftChoice, Load, Loaded, Sampling
from core.settings import Settings
from tui import figures
from tui.commands.output import print_json, table

ACCEPTANCE = (0.8, 0.8)
"""Of a synthetic pair, where none is given."""
EVEN_KINDS = ("easy",)
"""Where a synthetic draft is right equally often everywhere, one region tells all."""


@dataclass(frozen=True)
class Outcome:
    """What was measured, in the three forms in which it is given out."""

    document: dict[str, Any]
    text: str
    svg: str


def run(settings: Settings, arguments: argparse.Namespace) -> int:
    """Measure, print the table or the JSON document, write the plot. Always 0: what goes wrong is
    raised as SpecdecError or OSError."""
    _refuse_contradictions(arguments)
    plot = Path(arguments.plot) if arguments.plot else None
    if plot:
        _require_writable(plot)
    try:
        with _models(settings, arguments) as load:
            if arguments.costs:
                outcome = _measure_costs(load)
            elif arguments.drafts:
                outcome = _measure_board(settings, arguments, load)
            else:
                outcome = _measure_replies(_plan(settings, arguments, load))
    finally:
        _status("")
    try:
        if arguments.json:
            print_json(outcome.document)
        else:
            print(outcome.text)
    finally:  # also where whoever reads the table has seen enough
        if plot:
            plot.write_text(outcome.svg, encoding="utf-8")
    return 0


def _measure_replies(plan: BenchPlan) -> Outcome:
    _status("loading the models")
    result = run_bench(plan, lambda done, of: _status(f"{done} of {of} replies"))
    return Outcome(result_document(result, plan), report(result), result_plot(result))


def _measure_board(settings: Settings, arguments: argparse.Namespace, load: Load) -> Outcome:
    from core.bench.contenders import BoardPlan, board_document, run_board
    from tui.commands.board import board_report, contenders

    target, found = contenders(settings, arguments.drafts)
    plan = BoardPlan(
        load=replace(load, target=str(target)),
        contenders=found,
        prompts=_prompts(arguments, load),
        repeats=arguments.repeats,
        max_tokens=arguments.tokens,
        sampling=_sampling(settings, arguments),
    )
    _status("loading the models")
    board = run_board(plan, lambda done, of: _status(f"{done} of {of} replies"))
    return Outcome(board_document(board, plan), board_report(board, plan), "")


def _measure_costs(load: Load) -> Outcome:
    _status("measuring batches")
    loaded, costs = run_costs(load)
    return Outcome(
        costs_document(loaded, costs), costs_report(loaded, costs), costs_plot(loaded, costs)
    )


def _refuse_contradictions(arguments: argparse.Namespace) -> None:
    for name in ("vs", "prompts", "synthetic", "plot"):
        if getattr(arguments, name) == "":
            raise SpecdecError(f"--{name} needs a value; give one or leave it out.", "settings")
    sweeps = arguments.sweep is not None
    if arguments.costs and (sweeps or arguments.vs or arguments.kinds):
        raise SpecdecError(
            "--costs makes no replies; leave out --sweep, --vs and --kinds.", kind="settings"
        )
    if arguments.prompts and (arguments.kinds or arguments.costs or arguments.synthetic):
        raise SpecdecError(
            "--prompts brings prompts of its own; leave out --kinds, --costs and --synthetic.",
            kind="settings",
        )
    if arguments.drafts:
        _refuse_beside_drafts(arguments)
    if arguments.acceptance and not arguments.synthetic:
        raise SpecdecError("--acceptance dials a --synthetic pair; name one.", kind="settings")
    if arguments.synthetic and arguments.vs:
        raise SpecdecError(
            "--vs needs a pair that the server has loaded, which a temporary one is not; write it "
            "with core.bench.synthetic.write_pair and name it with --target and --draft.",
            kind="settings",
        )
    named = [name for name in ("target", "draft", "demo") if name in vars(arguments)]
    if arguments.synthetic and named:
        raise SpecdecError(
            f"--synthetic writes its own pair; leave out --{named[0]}.", kind="settings"
        )


def _refuse_beside_drafts(arguments: argparse.Namespace) -> None:
    names = ("sweep", "costs", "vs", "synthetic", "plot", "draft")
    given = [name for name in names if getattr(arguments, name, None) not in (None, False)]
    if given:
        raise SpecdecError(
            f"--drafts ranks several drafts; leave out --{given[0]}.", kind="settings"
        )


def _plan(settings: Settings, arguments: argparse.Namespace, load: Load) -> BenchPlan:
    lengths = () if arguments.sweep is None else arguments.sweep or SWEEP
    if load.draft.kind == "none" and (lengths or not arguments.vs):
        raise SpecdecError(
            "There is no draft to measure; name one with --draft, or try --draft lookup.",
            kind="settings",
        )
    return BenchPlan(
        load=load,
        prompts=_prompts(arguments, load),
        repeats=arguments.repeats,
        max_tokens=arguments.tokens,
        sampling=_sampling(settings, arguments),
        lengths=lengths,
        server=arguments.vs,
    )


def _sampling(settings: Settings, arguments: argparse.Namespace) -> Sampling:
    """As the flags say, and else at temperature 0: what suits a chat is no default here."""
    sampling = settings.sampling()
    if "temperature" not in vars(arguments):
        sampling = replace(sampling, temperature=0.0)
    return sampling


def _prompts(arguments: argparse.Namespace, load: Load) -> tuple[Prompt, ...]:
    if arguments.prompts:
        from tui.commands.board import own_prompts

        return own_prompts(arguments.prompts)
    return prompts(arguments.kinds or _kinds(arguments, load))


def _kinds(arguments: argparse.Namespace, load: Load) -> tuple[str, ...]:
    if checked_header(Path(load.target)).text(SHAPE_KEY) is None:
        return KINDS
    easy, hard = arguments.acceptance or ACCEPTANCE
    return EVEN_KINDS if arguments.synthetic and easy == hard else SYNTHETIC_KINDS


# ------------------------------------------------------------------ the models


@contextlib.contextmanager
def _models(settings: Settings, arguments: argparse.Namespace) -> Iterator[Load]:
    """The pair to be loaded; a synthetic one is removed in the end, however that comes."""
    if not arguments.synthetic:
        target, draft = choose_pair(settings)
        yield _load(settings, target, draft)
        return
    with ends_in_order(), tempfile.TemporaryDirectory(prefix="specdec-bench-") as folder:
        _status("writing the models")
        acceptance = arguments.acceptance or ACCEPTANCE
        pair = write_pair(Path(folder), arguments.synthetic, acceptance)
        target, drafter = (  # under these names they are spoken of
            path.rename(path.with_name(f"{arguments.synthetic}-{path.name}"))
            for path in (pair.target, pair.draft)
        )
        # The measured costs of models that nobody will load again are kept beside them.
        with _environment("XDG_CACHE_HOME", folder):
            yield _load(settings, target, settings.draft_choice("model", str(drafter)))


def _load(settings: Settings, target: Path, draft: DraftChoice) -> Load:
    return Load(
        target=str(target),
        options=settings.target_options(),
        draft=draft,
        draft_len=settings.draft_len,
    )


@contextlib.contextmanager
def _environment(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before


# ------------------------------------------------------------------ output


def _status(text: str) -> None:
    """A line of stderr that the next one replaces, and "" removes; only for a terminal."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def _require_writable(plot: Path) -> None:
    """Found out before minutes are spent on measuring; nothing is written yet."""
    if plot.is_dir() or not plot.absolute().parent.is_dir():
        raise SpecdecError(
            f"--plot: {shown(str(plot))} cannot be a file; name one in a folder that is there.",
            kind="settings",
        )


def costs_report(loaded: Loaded, costs: Costs) -> str:
    """The cost curve as text: milliseconds by the tokens in a batch."""
    single = costs.target[1]
    rows: list[tuple[str, ...]] = [("tokens", "ms", "ms a token", "of one")]
    rows += [
        (str(n), f"{s * 1000:.2f}", f"{s / n * 1000:.2f}", f"{s / single:.2f}")
        for n, s in sorted(costs.target.items())
    ]
    lines = [f"target  {shown(loaded.target.name, 60)}"]
    if costs.draft is not None:
        share = f"{costs.draft * 1000:.2f} ms a step, {costs.draft / single:.3f} of a target's"
        lines.append(f"draft   {shown(loaded.drafter.name, 60)}: {share}")
    return "\n".join([*lines, "", table(rows, right=(0, 1, 2, 3))])


MEDIANS = "medians; the speed-up's is over pairs of replies to the same prompt"
"""A median of quotients is not the quotient of two medians, least of all on a busy machine."""


def report(result: BenchResult) -> str:
    """The result as text: a row a kind of prompt, then a row a draft length where several ran."""
    ours = result.speculative
    lines = [f"target  {shown(result.target.name, 60)}"]
    if ours:
        lines.append(f"draft   {shown(result.drafter.name, 60)}, draft length {ours}")
        lines += ["", MEDIANS]
    lines += ["", _by_kind(result, ours)]
    if len([v for v in result.variants if v not in (BASELINE, SERVER)]) > 1:
        lines += ["", _by_variant(result)]
    if SERVER in result.variants:
        same = result.same_text(ours or BASELINE, SERVER)
        lines += ["", f"same text as the server: {figures.percent(same)} of the replies"]
    return "\n".join(lines)


def _by_kind(result: BenchResult, ours: str | None) -> str:
    server = SERVER in result.variants
    heading = ["kind", "tok/s alone"]
    heading += ["tok/s drafting", "speed-up", "accepted", "a round"] if ours else []
    heading += ["tok/s server", "ours/server"] if server else []
    rows = [tuple(heading)]
    for kind in (*result.kinds, None):
        row = [kind or "all", _rate(result.figures(BASELINE, kind).tok_s)]
        row += _cells(result, ours, kind) if ours else []
        if server:
            ratio = result.ratio(ours or BASELINE, SERVER, kind)
            row += [_rate(result.figures(SERVER, kind).tok_s), figures.speedup(ratio)]
        rows.append(tuple(row))
    return table(rows, right=tuple(range(1, len(heading))))


def _by_variant(result: BenchResult) -> str:
    heading: tuple[str, ...] = ("draft length", "tok/s", "speed-up", "accepted", "a round")
    order = (BASELINE, *result.fixed_lengths, "auto", SERVER)
    names = {BASELINE: "0 (no draft)", SERVER: "llama-server"}
    rows = [heading]
    for variant in (v for v in order if v in result.variants):
        tok_s, *rest = _cells(result, variant, None)
        rows.append((names.get(variant, variant), tok_s, *rest))
    text = table(rows, right=(1, 2, 3, 4))
    best = result.best_fixed()
    if best and "auto" in result.variants:
        ratio = figures.speedup(result.ratio("auto", best))
        text += f"\n\nauto over the best fixed length ({names.get(best, best)}): {ratio}"
    return text


def _rate(tok_s: float | None) -> str:
    """One digit more than a screen needs: rates are compared here."""
    return figures.DASH if tok_s is None else f"{tok_s:,.1f}"


def _cells(result: BenchResult, variant: str, kind: str | None) -> list[str]:
    got = result.figures(variant, kind)
    return [
        _rate(got.tok_s),
        figures.speedup(got.speedup),
        figures.percent(got.acceptance_rate),
        figures.per_round(got.tokens_per_round),
    ]
