"""What a batch of n tokens costs on this machine: measured at load, refined by every round, kept.

The curve is no straight line, and may fall: on a CPU eight tokens can cost less than five. So it is
a table, never a formula. Depth of context matters too, by a factor that is learned as it comes.
"""

from __future__ import annotations

import contextlib
import json
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from itertools import product
from math import inf
from pathlib import Path
from random import Random
from statistics import median

from core.engine.cache import TokenCache
from core.whole_files import replace_file

SIZES = (1, 8, 2, 4, 16, 3, 12, 5, 6, 7, 9, 17, 10, 14)
"""Batch sizes measured at load, the most telling first."""
N_PASSES = 5
SMALL_S, TUNED_BATCH, N_TUNINGS = 0.005, 5, 7
GUESSED_RISE = 0.1
"""What a further token of a batch costs, in one-token batches, as long as nobody knows."""
ENOUGH_FOR_A_SLOPE = 3
CHEAP_STEP = 0.25
"""A draft whose step takes such a share of a token of the target's is worth a try."""
_SAMPLES = 9
_ENOUGH = 3


class CostCurve:
    """Seconds per batch of n tokens for one model, by depth of context."""

    def __init__(self, measured: Mapping[int, float] | None = None) -> None:
        """`measured`: seconds by batch size, from a calibration or an earlier session."""
        self._base = dict(sorted((measured or {}).items()))
        self._samples: dict[tuple[int, int], deque[float]] = {}
        self._medians: dict[tuple[int, int], float] = {}

    def record(self, n: int, depth: int, seconds: float) -> None:
        """A batch of `n` tokens at `depth` tokens of context took so long."""
        key = (_bucket(depth), n)
        samples = self._samples.get(key)
        if samples is None:
            samples = self._samples[key] = deque(maxlen=_SAMPLES)
        samples.append(seconds)
        self._medians.pop(key, None)

    def confirmed(self, n: int, depth: int) -> bool:
        """Whether batches of `n` tokens were met often enough at a like depth to be sure."""
        return len(self._samples.get((_bucket(depth), n), ())) >= _ENOUGH

    def forget_batches(self, depth: int) -> None:
        """What rounds of several tokens took at a like depth counts no longer."""
        bucket = _bucket(depth)
        for key in [key for key in self._samples if key[0] == bucket and key[1] > 1]:
            del self._samples[key]
            self._medians.pop(key, None)

    def missing(self, sizes: Sequence[int]) -> list[int]:
        """Which of these sizes were never measured."""
        return [n for n in sizes if n not in self._base]

    def add(self, other: CostCurve) -> None:
        """Take over what another calibration of the same model measured."""
        self._base = dict(sorted((self._base | other._base).items()))

    def table(self, n_max: int, depth: int, optimism: float = 1.0) -> list[float]:
        """Seconds for batches of 1 … `n_max` tokens at `depth`; index 0 is unused (0.0).

        What was measured at a like depth counts as it is; the rest of the curve is scaled to it,
        and with `optimism` below 1 taken for cheaper: whoever decides by it then tries what a
        disturbed calibration made look dear.
        """
        bucket = _bucket(depth)
        here = {n: s for n in range(1, n_max + 1) if (s := self._median(bucket, n)) is not None}
        known = max(self._base, default=0)  # what is expected beyond is guessed: no measure
        ratios = [s / expected(self._base, n) for n, s in here.items() if n <= known]
        scale = median(ratios) if ratios else 1.0
        points = {n: scale * seconds for n, seconds in self._base.items()} | here
        points = dict(sorted(points.items()))
        costs = [here.get(n) or expected(points, n) for n in range(1, n_max + 1)]
        return [0.0, *(s if n in here or n == 1 else s * optimism for n, s in enumerate(costs, 1))]

    def measured(self) -> dict[int, float]:
        """The curve to keep on disk: the calibration, with sizes met since put right."""
        bucket = _bucket(0)
        return {n: self._median(bucket, n) or seconds for n, seconds in self._base.items()}

    def _median(self, bucket: int, n: int) -> float | None:
        key = (bucket, n)
        if key not in self._medians:
            samples = self._samples.get(key, ())
            if len(samples) < _ENOUGH:
                return None
            self._medians[key] = median(samples)
        return self._medians[key]


def expected(points: Mapping[int, float], n: int) -> float:
    """Seconds for a batch of `n` tokens, by those of some sizes, in order. Raises IndexError where
    there are none.

    A size between two measured ones costs as much as the dearer: kernels work in blocks, so nine
    tokens cost about what twelve do. Beyond the last one, a token more costs what it did so far;
    where next to nothing is known, little (a batch reads the weights once), so that larger ones are
    tried: the step from one token to two can be the largest of all.
    """
    sizes = list(points)
    at = bisect_left(sizes, n)
    if at < len(sizes) and (sizes[at] == n or at == 0):
        return points[sizes[at]]
    if at < len(sizes):
        return max(points[sizes[at - 1]], points[sizes[at]])
    first, last = sizes[0], sizes[-1]
    rise = GUESSED_RISE * points[first]
    if len(sizes) >= ENOUGH_FOR_A_SLOPE:
        rise = max(0.0, (points[last] - points[first]) / (last - first))
    return points[last] + (n - last) * rise


def _bucket(depth: int) -> int:
    return max(depth, 512).bit_length()


def calibrate(
    cache: TokenCache, sizes: tuple[int, ...], budget_s: float, n_passes: int = N_PASSES
) -> CostCurve:
    """Measure an empty cache's batches, all `sizes` in turn, as often as `budget_s` allows.

    One token is measured whatever it costs; a size that may exceed the budget is left out. Leaves
    the cache empty.
    """
    largest = min(cache.context.max_rows, cache.n_ctx // 2)
    differing = _differing(cache)
    samples: dict[int, list[float]] = {}
    cache.truncate(0)
    # the first one brings the weights from the disk: part of the load, not of a batch
    cache.extend(differing(1), 1)
    deadline = time.perf_counter() + budget_s
    for n in (n for _ in range(n_passes) for n in sizes if n <= largest):
        known = {k: median(s) for k, s in sorted(samples.items())}
        if n > 1 and known and time.perf_counter() + _at_most(known, n) > deadline:
            continue
        cache.truncate(1)
        tokens = differing(n)
        started = time.perf_counter()
        cache.extend(tokens, n).argmax(axis=1)
        samples.setdefault(n, []).append(time.perf_counter() - started)
        if time.perf_counter() > deadline:
            break
    cache.truncate(0)
    return CostCurve({n: _undisturbed(s) for n, s in samples.items()})


def _differing(cache: TokenCache) -> Callable[[int], list[int]]:
    """Makes batches of so many tokens that differ, the same ones each time it is begun: of a
    mixture of experts, equal ones would read the weights of a few experts only, however many they
    are."""
    n_vocab, random = cache.context.model.n_vocab, Random(0)
    return lambda n: [random.randrange(n_vocab) for _ in range(n)]


def _at_most(known: Mapping[int, float], n: int) -> float:
    """Seconds that a batch of `n` will hardly exceed: no token costs more than one alone."""
    return min(s * max(1.0, n / k) for k, s in known.items())


def _undisturbed(samples: list[float]) -> float:
    """What it takes when nothing else runs: disturbances only ever add, so the lower quartile."""
    return sorted(samples)[len(samples) // 4]


def plausible_step(seconds: float, one_token: float, size_ratio: float) -> float:
    """What a draft step is taken to cost until rounds say more, where it was measured to take
    `seconds`, `one_token` of the target takes so long, and the draft has `size_ratio` of its bytes.

    On a busy machine a step can take a thousand times what it does, and a draft so dear would not
    be tried: nothing could put that right. So it counts as no dearer than its size makes likely;
    where it really is (on a slower device), a round or two show it.
    """
    return min(seconds, max(CHEAP_STEP, size_ratio) * one_token)


def tune_threads(cache: TokenCache) -> None:
    """Choose the CPU threads of a small model by measuring: it may be fastest on one.

    A model that takes longer than SMALL_S for a token gains from every core, and keeps them all.
    """
    context = cache.context
    every = context.n_threads
    if context.threads_are_fixed or every == 1:
        return
    differing = _differing(cache)
    cache.truncate(0)
    cache.extend(differing(TUNED_BATCH), TUNED_BATCH)
    if _seconds(cache, differing(1)) < SMALL_S:
        candidates = sorted({1, (every + 1) // 2, every})
        sizes = (1, TUNED_BATCH)
        samples: dict[tuple[int, int], list[float]] = {}
        for _ in range(N_TUNINGS):
            batches = [differing(size) for size in sizes]  # the same ones for all
            for n, batch in product(candidates, batches):
                context.use_threads(n, n)
                cache.truncate(1)
                samples.setdefault((len(batch), n), []).append(_seconds(cache, batch))
        context.use_threads(
            *(fewest_worth({n: samples[size, n] for n in candidates}) for size in sizes)
        )
    cache.truncate(0)


def _seconds(cache: TokenCache, batch: list[int]) -> float:
    started = time.perf_counter()
    cache.extend(batch, len(batch))
    return time.perf_counter() - started


def fewest_worth(seconds: Mapping[int, Sequence[float]]) -> int:
    """How many threads to use, given what a batch took with so many, several times over.

    Several have to be well worth it: on a busy machine they wait for each other. Both as a rule and
    at their best: there, a single one may look slow for once, too.
    """

    def fastest(of: Callable[[Sequence[float]], float]) -> int:
        return min(seconds, key=lambda n: of(seconds[n]) * (1.3 if n > 1 else 1.0))

    return min(fastest(median), fastest(min))


class CostStore:
    """Measured curves on disk, by a key that names model, device, threads and build."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def load(self, key: str) -> CostCurve | None:
        """The curve kept under `key`, if any; a damaged file counts as none."""
        with contextlib.suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            kept = json.loads(self._path.read_text(encoding="utf-8"))[key]
            curve = {int(n): float(seconds) for n, seconds in kept.items()}
            if 1 in curve and all(0 < seconds < inf for seconds in curve.values()):
                return CostCurve(curve)
        return None

    def save(self, key: str, curve: CostCurve) -> None:
        """Keep `curve`. A cache folder that cannot be written to costs nothing but the memory."""
        kept: dict[str, dict[str, float]] = {}
        with contextlib.suppress(OSError, ValueError, TypeError):
            kept |= json.loads(self._path.read_text(encoding="utf-8"))
        with contextlib.suppress(OSError):
            kept[key] = {str(n): round(s, 7) for n, s in curve.measured().items()}
            replace_file(self._path, json.dumps(kept, indent=1).encode())
