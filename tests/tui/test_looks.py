"""What every screen looks like, at two sizes in a dark and a light theme, as SVG in `looks/`.

A person looks at a picture before it is accepted; `LOOKS=accept pytest tests/tui/test_looks.py`
writes those that differ. A new screen is one line in SCREENS.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from textual.pilot import Pilot

from tests.support.looks import StillApp, pale_texts, picture
from tests.support.pilot import wait_until

FOLDER = Path(__file__).parent / "looks"
SIZES = ((80, 24), (160, 50))
THEMES = ("specdec-dark", "specdec-light")

SCREENS: dict[str, tuple[str, ...]] = {
    "welcome": (),
    "chat": ("converse",),
    "reasoning": ("converse", "alt+r", "ctrl+home"),
    "help": ("f1",),
    "code-blocks": ("converse", "alt+c"),
    "code-save": ("converse", "alt+c", "s"),
    "engine-log": ("f12",),
    "settings": ("alt+s",),
    "downloads": ("f8",),
    "slash-commands": ("slash",),
    "compare": ("converse", "f9"),
}
"""A name, and how to get there: keys, or `converse` for a question and its reply."""


async def visit(app: StillApp, pilot: Pilot[None], way: tuple[str, ...]) -> None:
    for step in way:
        if step == "converse":
            await app.converse()
        else:
            await pilot.press(step)
        await pilot.pause()


async def leave(app: StillApp, pilot: Pilot[None]) -> None:
    """Back to a new chat."""
    while len(app.screen_stack) > 1:
        await pilot.press("escape")
        await pilot.pause()
    if app.chat._unfolded:
        app.chat.fold_reasoning()
    app.composer.clear()
    await app.action_new_chat()
    await pilot.pause()


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
async def test_screens_look_as_they_were_accepted(size: tuple[int, int], theme: str) -> None:
    differ: list[str] = []
    pale: dict[str, list[str]] = {}
    app = StillApp(theme)
    async with app.run_test(size=size) as pilot:
        await wait_until(pilot, lambda: app.dialogue.state.target is not None)
        for name, way in SCREENS.items():
            await visit(app, pilot, way)
            file = FOLDER / f"{name}-{size[0]}x{size[1]}-{theme.removeprefix('specdec-')}.svg"
            svg = picture(app)
            if not file.exists() or file.read_text() != svg:
                differ.append(file.name)
                if os.environ.get("LOOKS") == "accept":
                    file.parent.mkdir(exist_ok=True)
                    file.write_text(svg)
            if found := pale_texts(app):
                pale[name] = found
            await leave(app, pilot)
    assert not pale, "texts with a contrast below 4.5:1"
    assert not differ or os.environ.get("LOOKS") == "accept", differ
