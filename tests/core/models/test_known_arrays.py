"""Arrays met before: found again, and never more of them than there is room for."""

from __future__ import annotations

import struct

from core.models.header import TokenTexts
from core.models.known_arrays import MAX_ALIKE, KnownArrays


def texts(*last: str, count: int = 100) -> TokenTexts:
    """So many texts that begin alike, and end in `last`."""
    words = [f"word {i}" for i in range(count - len(last))] + list(last)
    raw = b"".join(struct.pack("<Q", len(word)) + word.encode() for word in words)
    return TokenTexts(raw, len(words))


def test_arrays_are_found_by_their_count_and_their_beginning() -> None:
    known = KnownArrays()
    known.add(texts("a"))
    known.add(texts("b"))
    data = b"before" + texts("c").raw + b"after"
    assert [found[-1] for found in known.like(data, 6, 100)] == [b"b", b"a"]
    assert not known.like(data, 5, 100)
    assert not known.like(data, 6, 101)


def test_few_are_kept_of_those_that_begin_alike() -> None:
    known = KnownArrays()
    for i in range(2 * MAX_ALIKE):
        known.add(texts(str(i)))
    found = known.like(texts("0").raw, 0, 100)
    assert [one[-1] for one in found] == [str(i).encode() for i in range(63, 31, -1)]


def test_those_longest_unused_make_room() -> None:
    sizes = [100, 101, 102]
    known = KnownArrays(2 * len(texts(count=102).raw))
    for count in sizes[:2]:
        known.add(texts(count=count))
    known.like(texts(count=100).raw, 0, 100)
    known.add(texts(count=102))
    assert [bool(known.like(texts(count=n).raw, 0, n)) for n in sizes] == [True, False, True]


def test_one_that_is_too_large_is_not_kept() -> None:
    known = KnownArrays(100)
    known.add(texts())
    assert not known.like(texts().raw, 0, 100)
