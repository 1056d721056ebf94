"""What the model browser knows and the rows that it makes of it. No Textual, no disk, no network:
the screen's threads look things up and put the answers in here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tui.downloads import key_of

if TYPE_CHECKING:
    from core.models.catalog import ModelFile
    from core.models.hub import FileChoice, Repository

Stage = Literal["idle", "asking", "done", "failed"]
HERE, HUB = "on this machine", "on the Hub"


@dataclass(frozen=True)
class Heading:
    text: str
    key: str = ""


@dataclass(frozen=True)
class Note:
    """A line that says something and cannot be chosen."""

    text: str
    failure: bool = False
    indent: bool = False
    key: str = ""


@dataclass(frozen=True)
class Local:
    """A model on this machine."""

    model: ModelFile

    @property
    def key(self) -> str:
        return str(self.model.path)


@dataclass(frozen=True)
class Remote:
    """A repository of the Hub; `opened`: its files are listed below it."""

    repository: Repository
    opened: bool

    @property
    def key(self) -> str:
        return self.repository.id


@dataclass(frozen=True)
class RemoteChoice:
    """One model of an opened repository. `here`: it is on this machine already."""

    repository: Repository
    choice: FileChoice
    here: bool

    @property
    def key(self) -> str:
        return key_of(self.repository.id, self.choice.name)


Row = Heading | Note | Local | Remote | RemoteChoice
Chosen = Local | Remote | RemoteChoice


@dataclass
class Opened:
    """A repository that was opened: its files are asked for, known, or not to be had."""

    stage: Stage = "asking"
    repository: Repository | None = None
    sentence: str = ""


@dataclass
class Browser:
    """`words` is what stands in the filter; `searched` what the Hub was asked for last."""

    local: tuple[ModelFile, ...] | None = None
    words: str = ""
    searched: str = ""
    stage: Stage = "idle"
    sentence: str = ""
    found: tuple[Repository, ...] = ()
    opened: dict[str, Opened] = field(default_factory=dict)

    def begin_search(self) -> str:
        """Ask the Hub for the words of the filter; what was found before goes."""
        self.searched, self.stage, self.sentence = self.words.strip(), "asking", ""
        self.found, self.opened = (), {}
        return self.searched

    def end_search(self, words: str, found: Sequence[Repository], sentence: str) -> None:
        """The answer, or the sentence that says why there is none. A late one is ignored."""
        if words == self.searched and self.stage == "asking":
            self.stage = "failed" if sentence else "done"
            self.found, self.sentence = tuple(found), sentence

    def toggle(self, repo: str) -> bool:
        """Open or close a repository; True where its files have to be asked for."""
        if self.opened.pop(repo, None) is not None:
            return False
        self.opened[repo] = Opened()
        return True

    def end_opening(self, repo: str, answer: Repository | None, sentence: str) -> None:
        """The files of a repository with their sizes, or why there are none."""
        if repo in self.opened:
            stage: Stage = "done" if answer else "failed"
            self.opened[repo] = Opened(stage, answer, sentence)

    def forget(self, path: str) -> None:
        """A model was deleted."""
        if self.local is not None:
            self.local = tuple(model for model in self.local if str(model.path) != path)


def rows(browser: Browser) -> list[Row]:
    """All rows in their order: the models here that fit the filter, then what the Hub has."""
    return [*_local_rows(browser), *_hub_rows(browser)]


def fits(model: ModelFile, words: str) -> bool:
    """Whether each of the words stands in the model's name or in what is known of it."""
    about = (model.name, model.architecture, model.quantisation, model.source, model.kind)
    text = " ".join(about).casefold()
    return all(word in text for word in words.casefold().split())


def step(all_rows: Sequence[Row], at: int, by: int) -> int:
    """The row that can be chosen `by` steps on from `at`, stopping at the ends; -1: there is none.

    A row at `at` that cannot be chosen counts as the place between its neighbours.
    """
    able = [i for i, row in enumerate(all_rows) if isinstance(row, Chosen)]
    if not able:
        return -1
    before = sum(i < at for i in able)
    if by > 0 and not (before < len(able) and able[before] == at):
        by -= 1
    return able[max(0, min(len(able) - 1, before + by))]


def place_of(all_rows: Sequence[Row], key: str, before: int) -> int:
    """Where the row `key` is now; where it is gone, the nearest to `before`; -1 without any."""
    here = next((i for i, row in enumerate(all_rows) if key and row.key == key), None)
    return step(all_rows, min(before, len(all_rows) - 1), 0) if here is None else here


def _local_rows(browser: Browser) -> Iterator[Row]:
    if browser.local is None:
        yield Heading(HERE)
        yield Note("looking for models …")
        return
    fitting = [model for model in browser.local if fits(model, browser.words)]
    yield Heading(f"{HERE}: {len(fitting)}" if browser.local else HERE)
    yield from map(Local, fitting)
    if not browser.local:
        yield Note("There is no model here yet; write a name above and press Enter.")
    elif not fitting:
        yield Note(f"None of the {len(browser.local)} models here fits the filter.")


def _hub_rows(browser: Browser) -> Iterator[Row]:
    words = browser.words.strip()
    if browser.stage == "idle":
        yield Heading(HUB)
        yield Note(_invitation(words))
        return
    yield Heading(f"{HUB}: {browser.searched}" if browser.searched else f"{HUB}: the most fetched")
    if browser.stage == "asking":
        yield Note("searching …")
    elif browser.stage == "failed":
        yield Note(browser.sentence, failure=True)
    elif not browser.found:
        yield Note("No repository with GGUF models has such a name; try fewer words.")
    for repository in browser.found:
        yield from _repository_rows(browser, repository)
    if words != browser.searched and browser.stage != "asking":
        yield Note(_invitation(words))


def _repository_rows(browser: Browser, repository: Repository) -> Iterator[Row]:
    opened = browser.opened.get(repository.id)
    yield Remote(repository, opened is not None)
    if opened is None:
        return
    if opened.stage == "failed":
        yield Note(opened.sentence, failure=True, indent=True)
        return
    told = opened.repository or repository
    here = _files_here(browser, told.id)
    for choice in told.choices:
        own = choice.files[0].name.rpartition("/")[2]
        yield RemoteChoice(told, choice, own in here)
    if opened.stage == "asking":
        yield Note("asking for the sizes …", indent=True)


def _files_here(browser: Browser, repo: str) -> set[str]:
    """The files of a repository that lie in a Hugging Face cache, by the name of its folder."""
    from core.models.hub_names import repo_folder_name

    folder = repo_folder_name(repo)
    return {model.path.name for model in browser.local or () if folder in model.path.parts}


def _invitation(words: str) -> str:
    if not words:
        return "Write a name above and press Enter to search the Hub."
    return f"Enter in the filter searches the Hub for “{words}”."
