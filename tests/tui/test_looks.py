"""What every screen looks like, at two sizes in a dark and a light theme, as SVG in `looks/`.

A person looks at a picture before it is accepted; `LOOKS=accept pytest tests/tui/test_looks.py`
writes those that differ. A new screen is one line in SCREENS.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.support import chat_scenes as chats
from tests.support import model_scenes as models
from tests.support.looks import pale_texts, picture
from tests.support.pilot import wait_until
from tests.support.still_app import Step, StillApp, go

FOLDER = Path(__file__).parent / "looks"
SIZES = ((80, 24), (160, 50))
THEMES = ("specdec-dark", "specdec-light")

SCREENS: dict[str, tuple[Step, ...]] = {
    "welcome": (),
    "chat": (chats.converse,),
    "drafting": (chats.drafting,),
    "paused": (chats.paused,),
    "exchange": (chats.exchange,),
    "loading": (chats.load,),
    "not-answered": (chats.refuse,),
    "reasoning": (chats.converse, "alt+r", "ctrl+home"),
    "branches": (chats.branch,),
    "earlier-message": (chats.branch, "alt+up"),
    "stopped": (chats.stop,),
    "interrupted": (chats.open_interrupted,),
    "error": (chats.die,),
    "help": ("f1",),
    "jump": (chats.converse, "ctrl+g"),
    "palette": ("ctrl+p",),
    "palette-search": ("ctrl+p", *"temp"),
    "slash-commands": ("slash",),
    "themes": (chats.choose_theme,),
    "settings": ("alt+s",),
    "settings-wrong": (chats.wrong_setting,),
    "presets": (chats.keep_presets,),
    "code-blocks": (chats.converse, "alt+c"),
    "code-save": (chats.converse, "alt+c", "s"),
    "engine-log-empty": ("f12",),
    "engine-log": (chats.log_in_full,),
    "chats": (chats.list_chats,),
    "chats-search": (chats.list_chats, *"word"),
    "rename": (chats.list_chats, "tab", "j", "r"),
    "xray": (chats.converse, "f4", "home", "n"),
    "drafts": (chats.converse, models.list_drafts),
    "models": (models.browse,),
    "models-hub": (models.search_hub,),
    "delete-model": (models.ask_to_delete,),
    "downloads-empty": ("f8",),
    "downloads": (models.fetch,),
    "fetching": (chats.converse, models.fetch_behind_the_chat),
    "first-run": (models.start_first,),
    "compare": (chats.converse, "f9"),
    "compare-running": (models.compare_half,),
    "compare-verdict": (models.compare,),
}
"""A name, and how to get there: keys and scenes."""


@pytest.fixture(autouse=True)
def time_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    """A comparison has all its replies on a slow machine, too."""
    monkeypatch.setattr("tui.comparison.BUDGET_S", 3600.0)


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_screens_look_as_they_were_accepted(
    size: tuple[int, int], theme: str, tmp_path: Path
) -> None:
    accepting = os.environ.get("LOOKS") == "accept"
    differ: list[str] = []
    pale: dict[str, list[str]] = {}
    app = StillApp(theme)
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        for name, steps in SCREENS.items():
            await go(app, pilot, steps)
            file = FOLDER / f"{name}-{size[0]}x{size[1]}-{theme.removeprefix('specdec-')}.svg"
            svg = picture(app)
            if not file.exists() or file.read_text() != svg:
                new = file if accepting else tmp_path / file.name
                new.write_text(svg)
                differ.append(str(new))
            if found := pale_texts(app):
                pale[name] = found
            await app.begin_anew(pilot)
    assert not pale, "texts with a contrast below 4.5:1"
    different = "" if accepting else "\n".join(differ)
    assert not different, "these differ from what was accepted"
