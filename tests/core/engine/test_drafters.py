from core.engine.drafters import PromptLookupDrafter


def never(_logits: object) -> tuple[int, float]:
    raise AssertionError("a lookup has no logits to pick from")


def lookup(tokens: list[int], n: int = 8) -> list[int]:
    drafter = PromptLookupDrafter()
    drafter.begin(tokens, lambda _: True)
    return drafter.propose(tokens, n, never).tokens


def test_what_followed_last_time_is_proposed():
    assert lookup([1, 2, 3, 4, 5, 9, 1, 2, 3], 3) == [4, 5, 9]


def test_nothing_is_proposed_where_nothing_repeats():
    assert lookup([1, 2, 3, 4, 5]) == []
    assert lookup([]) == []
    assert lookup([1]) == []


def test_the_longest_match_wins_over_a_later_short_one():
    text = [1, 2, 3, 4, 70, 9, 9, 3, 4, 80, 9, 1, 2, 3, 4]
    assert lookup(text, 1) == [70]


def test_of_equal_matches_the_latest_wins():
    assert lookup([1, 2, 50, 1, 2, 60, 1, 2], 1) == [60]


def test_it_stops_at_the_end_of_the_text():
    assert lookup([1, 2, 1, 2], 8) == [1, 2]


def test_the_index_follows_a_growing_text():
    drafter, tokens = PromptLookupDrafter(), [1, 2, 3]
    drafter.begin(tokens, lambda _: True)
    assert drafter.propose(tokens, 4, never).tokens == []
    tokens += [7, 1, 2, 3]
    assert drafter.propose(tokens, 2, never).tokens == [7, 1]
    tokens += [8, 2, 3]
    assert drafter.propose(tokens, 1, never).tokens == [8]


def test_a_new_reply_forgets_the_old_text():
    drafter = PromptLookupDrafter()
    drafter.begin([1, 2, 3], lambda _: True)
    drafter.propose([1, 2, 3, 1, 2], 2, never)
    drafter.begin([4, 1, 2], lambda _: True)
    assert drafter.propose([4, 1, 2], 2, never).tokens == []
