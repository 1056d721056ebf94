"""What a screen of the app looks like: its picture as SVG, and the texts that are too pale."""

from __future__ import annotations

import re

from rich.segment import Segment
from textual.color import Color

from tui.app import SpecdecApp


def picture(app: SpecdecApp) -> str:
    """The screen as SVG, without what changes by itself (names), is on the network (fonts), or is
    not seen: it is half as large."""
    svg = app.export_screenshot(title="specdec-tui", simplify=True)
    for unseen in (
        r"@font-face \{.*?\}\s*",
        r'<clipPath id="[^"]*-line-.*?</clipPath>\s*',
        r' clip-path="url\([^)]*-line-[^)]*\)"',
        r"<text [^>]*>(&#160;|\s)*</text>",
    ):
        svg = re.sub(unseen, "", svg, flags=re.DOTALL)
    return re.sub(r"terminal-\d+", "t", svg).replace("&#160;", "\N{NO-BREAK SPACE}")


def pale_texts(app: SpecdecApp, least: float = 4.5) -> list[str]:
    """Texts of the screen in front whose contrast is less than `least`; lines are no texts, and
    what is dimmed behind a dialogue is not to be read."""
    screen = app.screen
    shown = [screen.region]
    if screen.is_modal:
        shown = [child.region for child in screen.children if child.display]
    found = []
    for y, strip in enumerate(screen._compositor.render_strips()):
        for region in shown:
            if region.y <= y < region.bottom:
                for segment in strip.crop(region.x, region.right):
                    if re.search(r"\w", segment.text) and _contrast(segment) < least:
                        found.append(f"{segment.text.strip()} ({_contrast(segment):.1f})")
    return found


def _contrast(segment: Segment) -> float:
    style = segment.style
    if style is None or style.color is None or style.bgcolor is None:
        return 21.0
    one, other = (
        _luminance(Color.from_rich_color(color)) for color in (style.color, style.bgcolor)
    )
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _luminance(color: Color) -> float:
    channels = [value / 255 for value in color.rgb]
    linear = [v / 12.92 if v <= 0.03928 else ((v + 0.055) / 1.055) ** 2.4 for v in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
