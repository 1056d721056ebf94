"""Walking a tree of messages, as pure functions: what is shown, what stands beside it.

A tree is a mapping from the id of each message to its parent's, None for a first message. Ids grow
with time, unless a clock was set back between two starts. A parent that is missing counts as none,
and a circle ends where it closes: what a damaged file or another program left must not keep a
conversation from being opened.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Parents = Mapping[int, int | None]


class Place(NamedTuple):
    """The `number`-th, from 1, of `total` messages that answer the same one."""

    number: int
    total: int


def path(parents: Parents, leaf: int | None) -> list[int]:
    """The messages from the first one to `leaf`."""
    found: list[int] = []
    seen: set[int] = set()
    at = leaf
    while at is not None and at in parents and at not in seen:
        found.append(at)
        seen.add(at)
        at = parents[at]
    return found[::-1]


def children(parents: Parents) -> dict[int | None, list[int]]:
    """The messages under each message, oldest first; under None those without a parent."""
    found: dict[int | None, list[int]] = {}
    for message in sorted(parents):
        parent = parents[message]
        found.setdefault(parent if parent in parents else None, []).append(message)
    return found


def siblings(parents: Parents, message: int) -> list[int]:
    """The messages in the same place, itself among them, oldest first."""
    return children(parents)[_parent(parents, message)]


def place(parents: Parents, message: int) -> Place:
    """Which of its siblings a message is."""
    beside = siblings(parents, message)
    return Place(beside.index(message) + 1, len(beside))


def places(parents: Parents, leaf: int | None) -> dict[int, Place]:
    """The place of each message up to `leaf` that is not alone in it."""
    under = children(parents)
    found: dict[int, Place] = {}
    for message in path(parents, leaf):
        beside = under[_parent(parents, message)]
        if len(beside) > 1:
            found[message] = Place(beside.index(message) + 1, len(beside))
    return found


def newest_leaf(parents: Parents, message: int) -> int:
    """The end of the branch through `message` that was written to last."""
    under = children(parents)
    leaves, left, seen = [], [message], {message}
    while left:
        at = left.pop()
        below = [child for child in under.get(at, ()) if child not in seen]
        if not below:
            leaves.append(at)
        seen.update(below)
        left += below
    return max(leaves)


def parents_first(parents: Parents) -> list[int]:
    """All messages, each after the one that it answers, and otherwise oldest first."""
    found: dict[int, None] = {}
    for message in sorted(parents):
        above: dict[int, None] = {}
        at: int | None = message
        while at is not None and at in parents and at not in found and at not in above:
            above[at] = None
            at = parents[at]
        found.update(dict.fromkeys(reversed(above)))
    return list(found)


def last_fork(parents: Parents, leaf: int | None) -> int | None:
    """The last message up to `leaf` that is not alone in its place; None without any."""
    return next(reversed(places(parents, leaf)), None)


def walk(parents: Parents, at: int, step: int) -> int | None:
    """The leaf to show after stepping from message `at` to a sibling, `step` away; None where
    there is none on that side."""
    beside = siblings(parents, at)
    to = beside.index(at) + step
    return newest_leaf(parents, beside[to]) if 0 <= to < len(beside) else None


def _parent(parents: Parents, message: int) -> int | None:
    parent = parents[message]
    return parent if parent in parents else None
