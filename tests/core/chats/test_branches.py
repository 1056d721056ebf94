"""Walking a tree of messages, on trees of every shape."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from core.chats.branches import (
    Place,
    children,
    last_fork,
    newest_leaf,
    parents_first,
    path,
    place,
    places,
    siblings,
    walk,
)

#     1 ─ 2 ─ 3 ─ 6
#      \   \─ 4
#       \─ 5 ─ 7
SMALL = {1: None, 2: 1, 3: 2, 4: 2, 5: 1, 6: 3, 7: 5}


@st.composite
def trees(draw: st.DrawFn) -> dict[int, int | None]:
    """Ids that grow, each parent older than what answers it, as they are made."""
    parents: dict[int, int | None] = {}
    for message in range(1, draw(st.integers(1, 40)) + 1):
        older = st.sampled_from([None, *parents]) if parents else st.none()
        parents[message] = draw(older)
    return parents


@st.composite
def trees_of_any_ids(draw: st.DrawFn) -> dict[int, int | None]:
    """As where a clock was set back: a parent may have a greater id than what answers it."""
    parents = draw(trees())
    ids = dict(zip(parents, draw(st.permutations(list(parents))), strict=True))
    return {ids[m]: None if parent is None else ids[parent] for m, parent in parents.items()}


ANY = st.dictionaries(st.integers(0, 12), st.none() | st.integers(0, 15), min_size=1)
"""Trees that are none: with circles, and with parents that are missing."""


def test_a_small_tree() -> None:
    assert path(SMALL, 6) == [1, 2, 3, 6]
    assert siblings(SMALL, 4) == [3, 4] and place(SMALL, 4) == Place(2, 2)
    assert places(SMALL, 6) == {2: Place(1, 2), 3: Place(1, 2)}
    assert newest_leaf(SMALL, 1) == 7 and newest_leaf(SMALL, 2) == 6
    assert last_fork(SMALL, 6) == 3 and last_fork(SMALL, 7) == 5
    assert walk(SMALL, 3, 1) == 4 and walk(SMALL, 4, -1) == 6 and walk(SMALL, 4, 1) is None
    assert walk(SMALL, 2, 1) == 7
    assert path(SMALL, None) == [] and last_fork(SMALL, None) is None and path({}, 3) == []
    assert last_fork({1: None, 2: 1}, 2) is None


@given(trees())
def test_a_path_leads_from_a_first_message_along_parents(parents: dict[int, int | None]) -> None:
    for message in parents:
        found = path(parents, message)
        assert found[-1] == message and parents[found[0]] is None
        assert [parents[at] for at in found[1:]] == found[:-1]


@given(trees())
def test_every_message_stands_once_under_its_parent(parents: dict[int, int | None]) -> None:
    under = children(parents)
    assert sorted(at for beside in under.values() for at in beside) == sorted(parents)
    assert all(parents[child] == parent for parent, beside in under.items() for child in beside)


@given(trees())
def test_stepping_to_and_fro_comes_back_to_the_same_sibling(parents: dict[int, int | None]) -> None:
    for message in parents:
        number, total = place(parents, message)
        after = walk(parents, message, 1)
        assert (after is None) == (number == total)
        if after is not None:
            beside = siblings(parents, message)[number]
            assert beside in path(parents, after)
            back = walk(parents, beside, -1)
            assert back is not None and message in path(parents, back)


@given(trees() | trees_of_any_ids())
def test_the_newest_leaf_has_nothing_under_it_and_goes_through_the_message(
    parents: dict[int, int | None],
) -> None:
    under = children(parents)
    for message in parents:
        leaf = newest_leaf(parents, message)
        assert message in path(parents, leaf) and leaf not in under


@given(trees_of_any_ids())
def test_in_order_a_message_stands_after_the_one_it_answers(
    parents: dict[int, int | None],
) -> None:
    order = parents_first(parents)
    assert sorted(order) == sorted(parents)
    places_in_order = {message: at for at, message in enumerate(order)}
    for message, parent in parents.items():
        assert parent is None or places_in_order[parent] < places_in_order[message]


@given(trees())
def test_where_ids_grow_that_is_their_order(parents: dict[int, int | None]) -> None:
    assert parents_first(parents) == sorted(parents)


@given(trees())
def test_the_last_fork_is_the_last_message_that_is_not_alone(
    parents: dict[int, int | None],
) -> None:
    for leaf in parents:
        forks = [at for at in path(parents, leaf) if len(siblings(parents, at)) > 1]
        assert last_fork(parents, leaf) == (forks[-1] if forks else None)
        assert list(places(parents, leaf)) == forks


@given(ANY)
def test_what_is_no_tree_is_walked_all_the_same(parents: dict[int, int | None]) -> None:
    assert sorted(parents_first(parents)) == sorted(parents)
    for message in parents:
        assert path(parents, message)[-1] == message
        assert newest_leaf(parents, message) in parents
        assert place(parents, message).total >= 1
        last_fork(parents, message)
        walk(parents, message, 1)
