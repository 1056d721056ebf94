"""How long ago something was, in a word or two; apart because the clock is read elsewhere."""

from __future__ import annotations

import time

MINUTE, HOUR, DAY = 60, 3600, 86400


def ago(when: float, now: float) -> str:
    """`now`, `5 min`, `3 h`, `2 days`, then the date."""
    age = max(0.0, now - when)
    if age < MINUTE:
        return "now"
    if age < HOUR:
        return f"{age // MINUTE:.0f} min"
    if age < DAY:
        return f"{age // HOUR:.0f} h"
    if age < 7 * DAY:
        days = int(age // DAY)
        return f"{days} day{'s' if days > 1 else ''}"
    return time.strftime("%Y-%m-%d", time.localtime(when))
