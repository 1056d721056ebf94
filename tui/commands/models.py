"""`specdec-tui models`: the GGUF models on this machine, with what each is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from core.models.catalog import ModelFile, bundled_models, find_models
from core.models.untrusted import shown
from core.settings import Settings
from tui import figures
from tui.commands.output import in_unicode, print_json, table

HEADINGS = ("name", "weights", "type", "size", "context", "what", "where")
MAX_NAME = 60


def run(settings: Settings, as_json: bool) -> int:
    """List them; files that cannot be used are listed with the reason. Always 0."""
    models = [*find_models(settings.models_dirs), *bundled_models()]
    if as_json:
        print_json({"models": [_document(model) for model in models]})
    elif models:
        print(_listing(models))
    else:
        print("No models were found; name your folders with --models-dirs, or try --demo.")
    return 0


def _document(model: ModelFile) -> dict[str, Any]:
    return asdict(model) | {"path": in_unicode(str(model.path)), "name": in_unicode(model.name)}


def _listing(models: Sequence[ModelFile]) -> str:
    text = table([HEADINGS, *map(_row, models)], right=(1, 3, 4))
    wrong = [f"{shown(model.name, MAX_NAME)}: {model.error}" for model in models if model.error]
    return "\n".join([text, *(["", *wrong] if wrong else [])])


def _row(model: ModelFile) -> tuple[str, ...]:
    return (
        shown(model.name, MAX_NAME),
        figures.parameters(model.n_params) if model.n_params else "",
        shown(model.quantisation, 12),
        figures.size(model.size_bytes),
        figures.tokens(model.n_ctx_train) if model.n_ctx_train else "",
        "unusable" if model.error else model.kind,
        model.source,
    )
