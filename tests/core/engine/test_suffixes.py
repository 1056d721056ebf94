"""The automaton against a search by brute force."""

import random

import pytest

from core.engine.suffixes import SuffixAutomaton


def longest_earlier_suffix(tokens: list[int]) -> int:
    n = len(tokens)
    for length in range(n - 1, 0, -1):
        suffix = tokens[n - length :]
        if any(tokens[i : i + length] == suffix for i in range(n - length)):
            return length
    return 0


@pytest.mark.parametrize("alphabet", [1, 2, 3, 8])
def test_the_longest_earlier_suffix_is_found_at_every_length(alphabet: int):
    rng = random.Random(alphabet)
    tokens: list[int] = []
    automaton = SuffixAutomaton()
    for _ in range(120):
        tokens.append(rng.randrange(alphabet))
        automaton.append(tokens[-1])
        match = automaton.match
        assert match == longest_earlier_suffix(tokens)
        if match:
            end = automaton.follows
            assert end < len(tokens)
            assert tokens[end - match : end] == tokens[-match:]


def test_work_and_memory_grow_with_the_text_and_no_faster():
    automaton = SuffixAutomaton()
    for i in range(20_000):
        automaton.append(i % 7 if i % 11 else i)
    states = len(automaton._next)
    assert states <= 2 * 20_000
    assert sum(map(len, automaton._next)) <= 3 * 20_000
