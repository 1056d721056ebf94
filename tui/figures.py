"""Numbers as the screen shows them. `None` is not measured and shows as a dash."""

from __future__ import annotations

from core.models.sizes import size_text

DASH = "–"


def rate(tok_s: float | None) -> str:
    """Tokens per second without the unit: three significant digits at most."""
    if tok_s is None:
        return DASH
    if tok_s < 10:
        return f"{tok_s:.1f}"
    return f"{tok_s:,.0f}"


def speedup(factor: float | None) -> str:
    return DASH if factor is None else f"{factor:.2f}×"


def speedup_style(factor: float | None) -> str:
    """Slower than the target alone must not look like a success."""
    if factor is None:
        return "$muted"
    return "$accepted" if factor >= 1 else "$notice"


def percent(share: float | None) -> str:
    return DASH if share is None else f"{share * 100:.0f}%"


def per_round(tokens: float | None) -> str:
    return DASH if tokens is None else f"{tokens:.1f}"


def seconds(value: float | None) -> str:
    if value is None:
        return DASH
    if value < 0.1:
        return f"{value * 1000:.0f} ms"
    decimals = 2 if value < 10 else 1 if value < 100 else 0
    return f"{value:.{decimals}f} s"


def tokens(count: int) -> str:
    """A count of tokens in context: 512, 2.1k, 16k, 131k."""
    if count < 1000:
        return str(count)
    thousands = count / 1000 if count % 1024 else count / 1024
    if thousands < 10 and round(thousands, 1) != round(thousands):
        return f"{thousands:.1f}k"
    return f"{thousands:.0f}k"


def parameters(count: int) -> str:
    """A count of parameters: 1.2M, 500M, 14.8B."""
    for unit, value in (("B", 1e9), ("M", 1e6), ("k", 1e3)):
        scaled = count / value
        if scaled >= 0.9995:  # which is 1.0 of it, and not 1000 of the next
            return f"{scaled:.0f}{unit}" if scaled >= 99.95 else f"{scaled:.1f}{unit}"
    return str(count)


def size(n_bytes: int) -> str:
    """Bytes, as the engine's own messages say them."""
    return size_text(n_bytes)


def memory(used: int, total: int) -> str:
    """Of a device: `18.4/24 GiB`."""
    unit, name = (2**30, "GiB") if total >= 2**30 else (2**20, "MiB")
    return f"{used / unit:.1f}/{total / unit:.{0 if total >= 10 * unit else 1}f} {name}"


def duration(seconds: float) -> str:
    """Minutes and seconds, or hours and minutes: 0:09, 12:30, 3 h 05."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60:02}"
    return f"{whole // 60}:{whole % 60:02}"


def count(number: int, noun: str) -> str:
    """`1 token`, `96 tokens`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def bar(share: float, cells: int) -> str:
    """A slim horizontal bar, filled to `share` (0 to 1) of `cells` cells in half cells."""
    full, half = divmod(round(max(0.0, min(1.0, share)) * cells * 2), 2)
    return "━" * full + "╸" * half


def ceiling(value: float) -> float:
    """The next 1, 2 or 5 times a power of ten at or above `value`: the top of a fixed scale."""
    top = 10.0
    while True:
        for step in (1, 2, 5):
            if value <= top * step:
                return top * step
        top *= 10
