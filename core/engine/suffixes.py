"""Where the end of a text stood before: an online suffix automaton, in constant time a token.

After Blumer et al., "The smallest automaton recognizing the subwords of a text" (1985).
"""

from __future__ import annotations

ROOT = 0


class SuffixAutomaton:
    """Knows, for a text that grows, its longest suffix that also occurs earlier.

    A state stands for all substrings that end at the same places; `_end` is one of these places, a
    late one rather than the first: of two places the nearer is the better guide.
    """

    def __init__(self) -> None:
        self._length = [0]
        self._link = [-1]
        self._next: list[dict[int, int]] = [{}]
        self._end = [0]
        self._last = ROOT
        self.n_tokens = 0
        self.match = 0
        """Length of the longest suffix that occurs earlier; 0: none."""
        self.follows = 0
        """Where the text goes on after that earlier occurrence, as an index into it."""

    def append(self, token: int) -> None:
        """The text grows by a token."""
        self.n_tokens += 1
        state = self._add(self._length[self._last] + 1, -1, {}, self.n_tokens)
        at = self._last
        while at != -1 and token not in self._next[at]:
            self._next[at][token] = state
            at = self._link[at]
        self._link[state] = ROOT if at == -1 else self._suffix_state(at, token)
        self._last = state

        earlier = self._link[state]
        self.match, self.follows = self._length[earlier], self._end[earlier]
        self._end[earlier] = self.n_tokens

    def _suffix_state(self, at: int, token: int) -> int:
        """The state of the longest suffix that is known; split off where it shares a state with
        longer strings that have not occurred here."""
        known = self._next[at][token]
        if self._length[known] == self._length[at] + 1:
            return known
        split = self._add(
            self._length[at] + 1, self._link[known], dict(self._next[known]), self._end[known]
        )
        while at != -1 and self._next[at].get(token) == known:
            self._next[at][token] = split
            at = self._link[at]
        self._link[known] = split
        return split

    def _add(self, length: int, link: int, following: dict[int, int], end: int) -> int:
        self._length.append(length)
        self._link.append(link)
        self._next.append(following)
        self._end.append(end)
        return len(self._length) - 1
