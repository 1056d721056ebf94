"""What is known of the highlighted row of the model browser, and why it cannot be used, if so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from textual.content import Content

from tui import figures
from tui.browser import Chosen, Local, Remote, RemoteChoice
from tui.downloads import Item, standing
from tui.sanitize import clean_line
from tui.widgets.key_hints import shortcuts_of
from tui.widgets.lines import Lines

LABEL_CELLS = 11
UNUSABLE = "It can be neither target nor draft: only language models can."
Fact = tuple[str, str, str]
"""A label, its value and the value's style; empty values are left out."""


class ModelDetails(Lines):
    DEFAULT_CSS = """
    ModelDetails { color: $foreground; padding: 0 1; }
    """

    def __init__(self) -> None:
        super().__init__()
        self._row: Chosen | None = None
        self._item: Item | None = None
        self._role = ""

    def show(self, row: Chosen | None, item: Item | None, role: str) -> None:
        if (row, item, role) != (self._row, self._item, self._role):
            self._row, self._item, self._role = row, item, role
            self.changed()

    @property
    def _choose(self) -> str:
        return shortcuts_of(self.app).named("{list_choose}")

    def build(self, width: int) -> Sequence[Content]:
        match self._row:
            case None:
                return []
            case Local():
                title, facts = self._row.model.name, _local(self._row, self._role)
            case Remote():
                title, facts = self._row.repository.id, _remote(self._row, self._choose)
            case RemoteChoice():
                title, facts = self._row.choice.name, _choice(self._row, self._item)
        lines = [Content.styled(clean_line(title), "bold").truncate(width, ellipsis=True)]
        for label, value, style in facts:
            if value:
                lines += wrapped_fact(label, value, style, width)
        return lines


def _local(row: Local, role: str) -> Iterator[Fact]:
    model = row.model
    if model.error:
        yield "unusable", model.error, "$failure"
    elif model.kind != "language":
        yield "what", f"{model.kind}. {UNUSABLE}", "$notice"
    yield "in use as", role, "$accepted"
    size = figures.size(model.size_bytes)
    weights = f"{figures.parameters(model.n_params)} parameters" if model.n_params else ""
    yield "model", " · ".join(filter(None, (model.architecture, weights))), ""
    yield "file", " · ".join(filter(None, (model.quantisation, size, model.source))), ""
    context = f"{figures.tokens(model.n_ctx_train)} tokens" if model.n_ctx_train else ""
    layers = figures.count(model.n_layers, "layer") if model.n_layers else ""
    vocabulary = f"vocabulary {model.n_vocab:,}" if model.n_vocab else ""
    yield "context", " · ".join(filter(None, (context, layers, vocabulary))), ""
    yield "path", str(model.path), "$muted"


def _remote(row: Remote, choose: str) -> Iterator[Fact]:
    told = row.repository
    if told.gated:
        yield "gated", "its terms have to be accepted on the Hub before it is given out", "$notice"
    if told.private:
        yield "private", "only a token of its owner's is let in", "$notice"
    weights = f"{figures.parameters(told.n_params)} parameters" if told.n_params else ""
    yield "model", " · ".join(filter(None, (told.architecture, weights))), ""
    yield "context", f"{figures.tokens(told.n_ctx_train)} tokens" if told.n_ctx_train else "", ""
    yield "fetched", f"{told.downloads:,} times", ""
    yield "models", f"{len(told.choices)}; {choose} {'closes' if row.opened else 'lists'} them", ""


def _choice(row: RemoteChoice, item: Item | None) -> Iterator[Fact]:
    choice = row.choice
    if choice.missing:
        yield "unusable", choice.missing, "$failure"
    if item:
        style = "$failure" if item.status == "failed" else "$primary"
        yield "download", standing(item), style
    elif row.here:
        yield "here", "it is on this machine already", "$accepted"
    yield "repository", row.repository.id, ""
    size = figures.size(choice.size_bytes) if choice.size_bytes is not None else ""
    parts = f"{len(choice.files)} files" if len(choice.files) > 1 else ""
    yield "file", " · ".join(filter(None, (choice.quantisation, size, parts))), ""
    told = row.repository
    weights = f"{figures.parameters(told.n_params)} parameters" if told.n_params else ""
    yield "model", " · ".join(filter(None, (told.architecture, weights))), ""
    yield "gated", "accept its terms on the Hub first" if told.gated else "", "$notice"


def wrapped_fact(label: str, value: str, style: str, width: int) -> Iterator[Content]:
    """A fact on as many lines as its value needs beside the label."""
    room = max(8, width - LABEL_CELLS)
    text = Content.styled(clean_line(value, 400), style or "$foreground")
    for number, line in enumerate(text.wrap(room)):
        name = label if number == 0 else ""
        yield Content.assemble((name.ljust(LABEL_CELLS), "$muted"), line)
