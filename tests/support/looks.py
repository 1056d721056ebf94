"""The app standing still: no engine, fixed figures, one conversation; and what it looks like."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, ClassVar

from rich.segment import Segment
from textual.color import Color
from textual.geometry import Region

import tui
from core.configuration import load_settings
from core.protocol import (
    DrafterInfo,
    Finished,
    Loaded,
    ModelInfo,
    ReplyStats,
    Round,
    TokenInfo,
)
from tui.app import SpecdecApp
from tui.choices import DraftOption, Offer
from tui.feed import coalesce
from tui.message_lines import MessageLines

FOLDER = "/models"
TARGET, SMALL, LARGE = (f"{FOLDER}/{n}.gguf" for n in ("target-7b", "draft-0.5b", "draft-1.5b"))
OTHER = "its vocabulary has 32,000 tokens, the target's 152,064"
OFFER = Offer(
    TARGET,
    (
        DraftOption("none", "none"),
        DraftOption("lookup", "prompt lookup"),
        DraftOption("model", "draft-0.5b", SMALL),
        DraftOption("model", "draft-1.5b", LARGE),
        DraftOption("model", "other-1b", f"{FOLDER}/other-1b.gguf", OTHER),
    ),
    DraftOption("model", "draft-0.5b", SMALL),
)
STATS = ReplyStats(
    n_prompt=41,
    n_prefilled=41,
    n_tokens=96,
    n_rounds=20,
    n_drafted=100,
    n_accepted=76,
    acceptance_rate=0.76,
    accepted_per_position=[0.95, 0.86, 0.74, 0.63, 0.5],
    tokens_per_round=4.8,
    ttft_s=0.21,
    prefill_tok_s=310.0,
    decode_tok_s=142.0,
    baseline_tok_s=61.5,
    speedup=2.31,
    draft_len=5,
    drafter="draft",
)
QUESTION = "What is the factorial of a number, and how do I compute it in Python?"
REPLY = '''<think>
The user wants a definition and code. Keep it short.
</think>

The **factorial** of `n` is the product of all whole numbers from 1 to `n`:

1. `0! = 1`, by definition
2. `n! = n × (n − 1)!`
   - so `5! = 120`

```python
def factorial(n: int) -> int:
    """The product of 1 to n."""
    return 1 if n < 2 else n * factorial(n - 1)  # recursion
```

| n | n! |
|---|---|
| 3 | 6 |
| 10 | 3,628,800 |

> For large numbers use `math.factorial`.
'''


def _model(path: str) -> ModelInfo:
    return ModelInfo(
        path=path,
        name=Path(path).stem,
        description="qwen2 7B Q4_K",
        n_params=7_600_000_000,
        size_bytes=4_700_000_000,
        n_ctx=16_384,
        n_ctx_train=32_768,
        n_vocab=152_064,
        n_layers=28,
        n_layers_gpu=28,
        devices=["GPU0"],
    )


class StillApp(SpecdecApp):
    """Begins with models that are loaded and a reply that has come."""

    CSS_PATH: ClassVar[Any] = Path(tui.__file__).parent / "app.tcss"

    def __init__(self, theme: str) -> None:
        super().__init__(load_settings({"target": TARGET, "theme": theme}), OFFER)
        self.dialogue._send = lambda _command: None

    def _begin(self) -> None:
        """No engine, no clock."""
        self.dialogue.open(OFFER)
        drafter = DrafterInfo(kind="model", name="draft-0.5b", model=_model(SMALL))
        self._take(Loaded(target=_model(TARGET), drafter=drafter))
        self.show_state()

    def _take(self, *events: Any) -> None:
        for item in coalesce(events):
            self.dialogue.take(item)

    async def converse(self) -> None:
        """One question and its reply."""
        turn = self.dialogue.submit(QUESTION)
        assert turn is not None
        reply = str(self.dialogue.state.reply_id)
        tokens = [TokenInfo(id=n, origin="accepted", p_draft=0.9) for n in range(5)]
        round_ = Round(
            id=reply,
            text=REPLY,
            tokens=tokens,
            rejected=[],
            n_drafted=5,
            n_accepted=4,
            drafter="draft",
            draft_s=0.01,
            verify_s=0.03,
            n_ctx_used=2100,
            stats=STATS,
        )
        end = Finished(id=reply, finish_reason="stop", text=REPLY, n_ctx_used=2100, stats=STATS)
        self._take(round_, end)
        self.dialogue.state.rates.clear()
        question, answer = MessageLines("user", QUESTION), MessageLines("assistant")
        answer.finish(REPLY, ("96 tokens", "142 tok/s", "2.31×"))
        await self.chat.show_all([question, answer])
        self.show_state()


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
    """Texts of the screen in front whose contrast is less than `least`; lines are no texts."""
    screen = app.screen
    region = screen.region
    if screen.is_modal:
        shown = [child.region for child in screen.children if child.display]
        region = Region.from_union(shown) if shown else Region()
    found = []
    for y, strip in enumerate(screen._compositor.render_strips()):
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
