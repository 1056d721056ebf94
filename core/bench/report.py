"""A benchmark as one JSON document and as a plot."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict
from importlib import metadata
from typing import Any

from core.bench.plot import Axes, Series, bar_chart, line_chart
from core.bench.results import BASELINE, SERVER, BenchResult
from core.bench.runner import BenchPlan
from core.models.untrusted import shown
from core.protocol import Costs, Loaded

OURS = "specdec-tui"


def result_document(result: BenchResult, plan: BenchPlan) -> dict[str, Any]:
    """Figures of every variant over all prompts and by kind, the ratios between variants, and each
    reply (without its text)."""
    return {
        **_models(Loaded(target=result.target, drafter=result.drafter)),
        "machine": machine(),
        "repeats": plan.repeats,
        "max_tokens": plan.max_tokens,
        "sampling": asdict(plan.sampling),
        "server": plan.server,
        "variants": {variant: _variant(result, variant) for variant in result.variants},
        "best_fixed": result.best_fixed(),
        "ratios": _ratios(result),
        "replies": [_without_text(asdict(sample)) for sample in result.samples],
    }


def costs_document(loaded: Loaded, costs: Costs) -> dict[str, Any]:
    """The cost curve: seconds per batch by its tokens, and of a draft step."""
    return {
        **_models(loaded),
        "machine": machine(),
        "target_s": {str(n): seconds for n, seconds in sorted(costs.target.items())},
        "draft_s": costs.draft,
    }


def machine() -> dict[str, Any]:
    """What the figures depend on beside the models."""
    return {
        "platform": platform.platform(),
        "processor": platform.processor() or platform.machine(),
        "cpus": os.cpu_count(),
        "llama_cpp_python": _version("llama-cpp-python"),
    }


def _version(package: str) -> str | None:
    """None where the package was unpacked by hand, without a word about it."""
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def result_plot(result: BenchResult) -> str:
    """SVG: tok/s over the draft length where several were run, else the speed-up by kind, else (no
    draft, only a server beside) tok/s by kind."""
    if len(result.fixed_lengths) > 1:
        return _plot_lengths(result)
    ours = result.speculative
    if ours is None:
        bars = [_bars(result, v, "tok_s", _label(v)) for v in result.variants]
        axes = Axes(f"Speed without a draft: {_title(result)}", "kind of prompt", "tok/s")
        return bar_chart(axes, result.kinds, bars)
    bars = [_bars(result, v, "speedup", _label(v)) for v in (ours, SERVER) if v in result.variants]
    axes = Axes(
        f"Speed-up by kind of prompt: {_title(result)}",
        "kind of prompt",
        "speed-up over the target alone (×)",
    )
    return bar_chart(axes, result.kinds, bars, reference=1.0)


def costs_plot(loaded: Loaded, costs: Costs) -> str:
    """SVG: milliseconds of a target batch over its tokens, with the draft's step beside."""
    sizes = sorted(costs.target)
    lines = [Series("target batch", [(n, costs.target[n] * 1000) for n in sizes])]
    if costs.draft is not None:
        level = costs.draft * 1000
        lines.append(Series("draft step", [(sizes[0], level), (sizes[-1], level)], dashed=True))
    axes = Axes(
        f"Cost of a batch: {shown(loaded.target.name, 60)}", "tokens in the batch", "milliseconds"
    )
    return line_chart(axes, lines, sizes)


def _plot_lengths(result: BenchResult) -> str:
    variants = (BASELINE, *result.fixed_lengths)
    lengths = [0 if v == BASELINE else int(v) for v in variants]
    rates = [result.figures(v).tok_s for v in variants]
    lines = [
        Series(
            "fixed length",
            [(n, rate) for n, rate in zip(lengths, rates, strict=True) if rate is not None],
        )
    ]
    for variant in ("auto", SERVER):
        rate = result.figures(variant).tok_s if variant in result.variants else None
        if rate is not None:
            level = [(0, rate), (lengths[-1], rate)]
            lines.append(Series(_label(variant), level, dashed=True))
    axes = Axes(f"Speed over draft length: {_title(result)}", "draft length (tokens)", "tok/s")
    return line_chart(axes, lines, lengths)


def _bars(result: BenchResult, variant: str, figure: str, name: str) -> Series:
    values = [getattr(result.figures(variant, kind), figure) for kind in result.kinds]
    return Series(name, [(i, value) for i, value in enumerate(values) if value is not None])


def _label(variant: str) -> str:
    return {SERVER: "llama-server", BASELINE: OURS}.get(variant, variant)


def _title(result: BenchResult) -> str:
    draft = "" if result.speculative is None else f" ← {shown(result.drafter.name, 30)}"
    return shown(result.target.name, 30) + draft


def _models(loaded: Loaded) -> dict[str, Any]:
    draft = loaded.drafter.model
    return {
        "target": loaded.target.name,
        "target_path": loaded.target.path,
        "draft": loaded.drafter.given_as,
        "draft_path": draft.path if draft else None,
        "devices": loaded.target.devices,
    }


def _variant(result: BenchResult, variant: str) -> dict[str, Any]:
    by_kind = {kind: asdict(result.figures(variant, kind)) for kind in result.kinds}
    return {**asdict(result.figures(variant)), "by_kind": by_kind}


def _ratios(result: BenchResult) -> dict[str, float | None]:
    ours, best = result.speculative, result.best_fixed()
    ratios: dict[str, float | None] = {}
    if ours and best and len(result.fixed_lengths) > 1:
        ratios[f"{ours} / best fixed"] = result.ratio(ours, best)
    if SERVER in result.variants:
        for variant in (v for v in result.variants if v != SERVER):
            ratios[f"{variant} / server"] = result.ratio(variant, SERVER)
        ratios["same text as server"] = result.same_text(ours or BASELINE, SERVER)
    return ratios


def _without_text(sample: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in sample.items() if key != "text"}
