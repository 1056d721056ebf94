"""What can be seen of models: judged drafts, the browser, downloads, the first start, a comparison.

What threads would look up on the machine and on the Hub is put in by the messages that they post.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from textual.pilot import Pilot

from core.models.advisor import Candidate, Subject, advise
from core.models.catalog import ModelFile
from core.models.compat import Compatibility
from core.models.hub import FileChoice, RemoteFile, Repository
from core.models.memory import Device, make_plan
from core.models.progress import Progress
from core.models.records import Record
from core.models.removal import Removal
from core.models.shape import Footprint, Shape, Weights
from core.protocol import Command, Event, Generate, ModelOptions, Round
from tests.support.pilot import wait_until
from tests.support.scripted_engine import Engine
from tests.support.still_app import (
    FOLDER,
    GIB,
    LARGE,
    OTHER,
    SMALL,
    TARGET,
    UNFIT,
    StillApp,
    press,
    rest,
)
from tui import browser
from tui.downloads import Request
from tui.engine import EngineEvents
from tui.feed import coalesce
from tui.judging import Judgement
from tui.messages import FromThread
from tui.screens.compare import CompareScreen
from tui.screens.drafts import DraftsScreen, Judged
from tui.screens.first_run import FirstRunScreen
from tui.screens.models import ModelsScreen
from tui.welcoming import Local, Remote, rows

MIB = 2**20
GPU = Device("CUDA0", "GPU", int(9.1 * GIB), 24 * GIB)


def model_file(
    path: str, n_params: int, size: int, type: str = "Q4_K_M", **more: object
) -> ModelFile:
    about = {
        "architecture": "qwen2",
        "n_ctx_train": 32_768,
        "n_layers": 28,
        "n_vocab": 152_064,
        "kind": "language",
        "source": "",
    }
    given = about | more
    return ModelFile(
        path=Path(path),
        name=Path(path).stem,
        n_params=n_params,
        quantisation=type,
        size_bytes=size,
        **given,  # type: ignore[arg-type]
    )


OWN = model_file(TARGET, 7_615_616_512, 4_683_073_632)
LOCAL = (
    OWN,
    model_file(SMALL, 494_032_768, 531_067_936, "Q8_0", n_layers=24, source="Hugging Face"),
    model_file(LARGE, 1_543_714_304, 1_117_320_736, source="Hugging Face"),
    model_file(OTHER, 1_235_814_432, 807_694_464, architecture="llama", n_vocab=32_000),
    model_file(
        f"{FOLDER}/mistral-small-3.2-24b-instruct-2506-q4_k_m-00001-of-00002.gguf",
        23_572_403_200,
        14_333_908_832,
        architecture="llama",
        n_layers=40,
        n_ctx_train=131_072,
        source="LM Studio",
    ),
    model_file(f"{FOLDER}/nomic-embed-text-v1.5.gguf", 136_727_040, 146_146_432, kind="embedding"),
    model_file(
        f"{FOLDER}/half-of-it.gguf",
        0,
        90 * MIB,
        "",
        error="The file ends too early: fetch it anew.",
    ),
)


def footprint(model: ModelFile) -> Footprint:
    n = model.n_layers
    layers = tuple([int(model.size_bytes * 0.9 / n)] * n)
    shape = Shape(
        "qwen2", 3584, 18_944, 3584, 28, 152_064, 32_768, (512,) * n, (512,) * n, (False,) * n, 0,
        (0,) * n, False, 0, 0, 0, 0, 0,
    )  # fmt: skip
    return Footprint(shape, Weights(model.size_bytes // 20, model.size_bytes // 20, True, layers))


def judgement() -> Judgement:
    """One draft measured, one predicted, one too large for the memory, one that does not fit."""
    options = ModelOptions(n_ctx=16_384, n_gpu_layers=99)
    target = Subject(OWN, footprint(OWN))
    yes, no = Compatibility("yes", ""), Compatibility("no", UNFIT)
    huge = model_file(f"{FOLDER}/draft-32b.gguf", 32_760_000_000, 19_850_000_000, n_layers=64)
    candidates = [
        Candidate(model, no if model is LOCAL[3] else yes, footprint(model))
        for model in (*LOCAL[1:4], huge)
    ]
    candidates = [
        one
        if one.compatibility.verdict == "no"
        else replace(
            one,
            memory=make_plan(target.footprint, one.footprint, [GPU], options, options),
        )
        for one in candidates
        if target.footprint
    ]
    record = Record(SMALL, 14, 2.31, 142.0, 0.78, 0.0)
    candidates[0] = replace(candidates[0], record=record)
    found = {str(a.candidate.model.path): a for a in advise(target, candidates, on_gpu=True)}
    return Judgement(found, Record("lookup", 3, 1.04, 64.0, 0.31, 0.0))


# ------------------------------------------------------------------ drafts, models, downloads


async def list_drafts(app: StillApp, pilot: Pilot[None]) -> None:
    await press(app, pilot, "f3")
    screen = app.screen
    assert isinstance(screen, DraftsScreen)
    await wait_until(pilot, lambda: screen._judgement)
    given = judgement()
    screen.post_message(Judged(given))
    await wait_until(pilot, lambda: screen._judgement is given)


def _choice(
    repo: str, type: str, size: int | None, parts: int = 1, missing: str = ""
) -> FileChoice:
    name = f"{repo.rpartition('/')[2].removesuffix('-GGUF').lower()}-{type.lower()}"
    files = [
        RemoteFile(f"{name}-0000{n + 1}-of-0000{parts}.gguf" if parts > 1 else f"{name}.gguf", size)
        for n in range(parts)
    ]
    return FileChoice(files[0].name, type, tuple(files), missing)


CODER, LLAMA = "Qwen/Qwen2.5-Coder-7B-Instruct-GGUF", "meta-llama/Llama-3.2-1B-Instruct-GGUF"
CHOICES = (
    _choice(CODER, "Q4_K_M", 2_341_000_000, 2),
    _choice(CODER, "Q5_K_M", 5_444_831_232),
    _choice(CODER, "Q8_0", 8_098_525_888),
    _choice(CODER, "F16", 15_237_853_184, missing="Part 3 of 4 is missing in the repository."),
)
FOUND = (
    Repository(CODER, 184_220, False, False, "qwen2", 7_615_616_512, 131_072, CHOICES),
    Repository(
        LLAMA, 96_100, True, False, "llama", 1_235_814_432, 131_072, (_choice(LLAMA, "Q8_0", None),)
    ),
    Repository("someone/a-model-with-a-rather-long-name-that-says-everything-GGUF", 12, False, True,
               "", 0, 0, (_choice("x/y", "Q4_0", None),)),
)  # fmt: skip


async def browse(app: StillApp, pilot: Pilot[None]) -> None:
    """The browser with models of this machine."""
    await press(app, pilot, "f5")
    await wait_until(pilot, lambda: app.browser.local is not None)
    app.screen.post_message(FromThread(lambda: setattr(app.browser, "local", LOCAL)))
    await wait_until(pilot, lambda: app.browser.local is LOCAL)


async def search_hub(app: StillApp, pilot: Pilot[None]) -> None:
    """The same after a search, one repository opened, a download running."""
    app.browser.words = "instruct"
    words = app.browser.begin_search()
    app.browser.end_search(words, FOUND, "")
    app.browser.toggle(CODER)
    app.browser.end_opening(CODER, FOUND[0], "")
    _fetch_some(app)
    await browse(app, pilot)
    screen = app.screen
    assert isinstance(screen, ModelsScreen)
    await press(app, pilot, "end", "k", "k", "k", "k", "k")


async def ask_to_delete(app: StillApp, pilot: Pilot[None]) -> None:
    await browse(app, pilot)
    await press(app, pilot, "j", "j", "j")
    screen = app.screen
    assert isinstance(screen, ModelsScreen)
    row = browser.Local(LOCAL[3])
    removal = Removal(
        "other-1b",
        (Path(OTHER), Path(f"{FOLDER}/cache/models--org--Other-1B-GGUF/blobs/5f1d0c7a93b4")),
        807_694_464,
        "The file is shared: a link to it in another program's folder stays, and leads nowhere.",
    )
    screen.post_message(FromThread(lambda: screen._confirm(row, removal)))
    await wait_until(pilot, lambda: app.screen is not screen)


def _fetch_some(app: StillApp) -> None:
    """One item of each kind in the queue."""
    queue = app.fetcher.downloads
    requests = [Request(CODER, choice) for choice in CHOICES[:3]]
    requests += [Request(LLAMA, _choice(LLAMA, type, None)) for type in ("Q8_0", "Q6_K", "Q4_K_M")]
    for request in requests:
        queue.add(request)
    done, failed, halted = requests[1].key, requests[3].key, requests[2].key
    for other in (requests[0], requests[4], requests[5]):
        queue.pause(other.key)
    for key, path, problem in (
        (
            done,
            f"{FOLDER}/hub/models--Qwen--Qwen2.5-Coder-7B-Instruct-GGUF/snapshots/9f/q5.gguf",
            "",
        ),
        (halted, "", ""),
        (failed, "", "The repository is gated: accept its terms on the Hub, then try again."),
    ):
        item = queue.next()
        assert item is not None and item.key == key, (item, key)
        total = 8_098_525_888
        queue.progressed(key, Progress("downloading", int(total * 0.63), total, 61e6, 49.0))
        queue.ended(key, path, problem)
    queue.resume(requests[0].key)
    queue.resume(requests[4].key)
    queue.cancel(requests[5].key)
    item = queue.next()
    assert item is not None and item.key == requests[0].key
    total = 2 * 2_341_000_000
    progress = Progress("downloading", int(total * 0.41), total, 58_300_000, 47.0, "q4", 1, 2)
    queue.progressed(item.key, progress)
    app.show_state()


async def fetch(app: StillApp, pilot: Pilot[None]) -> None:
    """The queue of downloads."""
    _fetch_some(app)
    await press(app, pilot, "f8")


async def fetch_behind_the_chat(app: StillApp, pilot: Pilot[None]) -> None:
    """What the title line says of it."""
    _fetch_some(app)
    await rest(app, pilot)


# ------------------------------------------------------------------ the first start

PAIRS = (
    Local(TARGET, SMALL, "target-7b", "draft-0.5b", 5_214_141_568, "1.4–2.2× predicted",
          "fits; about a fifteenth of the target's size, expect a gain"),
    Local(LARGE, "", "draft-1.5b", "", 1_117_320_736, "",
          "no draft here promises to make it faster"),
)  # fmt: skip
MAKER = "bartowski/Qwen2.5"
ON_THE_HUB = (
    Remote(f"{MAKER}-32B-Instruct-GGUF", f"{MAKER}-1.5B-Instruct-GGUF", 21_800_000_000),
    Remote(f"{MAKER}-14B-Instruct-GGUF", f"{MAKER}-0.5B-Instruct-GGUF", 9_400_000_000),
)


async def start_first(app: StillApp, pilot: Pilot[None]) -> None:
    """The first start on a machine that has models."""
    app.offer_pairs(first=True)
    await rest(app, pilot)
    screen = app.screen
    assert isinstance(screen, FirstRunScreen)
    await wait_until(pilot, lambda: screen._looking)
    await rest(app, pilot)
    screen.post_message(FromThread(lambda: screen._list.show(rows(PAIRS, ON_THE_HUB))))
    await wait_until(pilot, lambda: screen._list.count() == len(rows(PAIRS, ON_THE_HUB)))
    await press(app, pilot, "j")


# ------------------------------------------------------------------ a comparison

STORY = (
    "Once there was a fox who lived at the edge of a wood. Every evening he ran along the river to "
    "see the lights of the town, and every evening the old dog of the mill barked at him.\n\n"
    "“Why do you come here?” asked the dog at last.\n\n"
)
SAME = STORY + "“To hear you bark,” said the fox, “or I should think that nobody lived here.”"
ANOTHER = STORY + "“Because the lights are pretty,” said the fox, and ran home."
RATES = {"none": 61.5, "lookup": 64.0, SMALL: 142.0, LARGE: 118.0}
TEXTS = {"none": SAME, "lookup": SAME, SMALL: SAME, LARGE: ANOTHER}


async def compare(app: StillApp, pilot: Pilot[None]) -> None:
    """A whole comparison, with its verdict."""
    screen = await _begin_to_compare(app, pilot, until=lambda _command: False)
    await wait_until(pilot, lambda: screen._judged)


async def compare_half(app: StillApp, pilot: Pilot[None]) -> None:
    """One that is under way: the third draft is writing."""
    asked = 0

    def stops_at(command: Command) -> bool:
        nonlocal asked
        asked += isinstance(command, Generate)
        return asked == 3

    screen = await _begin_to_compare(app, pilot, until=stops_at)
    comparison = app.comparison
    assert comparison is not None
    await wait_until(pilot, lambda: comparison.turn and comparison.turn.by.status == "writing")
    screen._show()


async def _begin_to_compare(app: StillApp, pilot: Pilot[None], until: object) -> CompareScreen:
    engine = Engine(RATES, TEXTS, in_use=SMALL)

    def send(command: Command) -> None:
        events: list[Event] = engine.answers(command)
        if until(command):  # type: ignore[operator]
            events = [_begun(event) for event in events if isinstance(event, Round)]
        app.post_message(EngineEvents(coalesce(events)))

    app.engine.send = send  # type: ignore[method-assign]
    app.composer.text = "Tell me a story about a fox."
    await press(app, pilot, "f9")
    screen = app.screen
    assert isinstance(screen, CompareScreen)
    await press(app, pilot, "enter")
    return screen


def _begun(round_: Round) -> Round:
    """As it was when half of the text had come."""
    half = len(round_.text) // 2
    stats = replace(round_.stats, n_tokens=round_.stats.n_tokens // 2)
    return replace(round_, text=round_.text[:half], stats=stats)
