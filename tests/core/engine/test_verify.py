from core.engine.verify import exact_match


def choose_from(target: list[int]):
    asked = []

    def choose(i: int) -> int:
        asked.append(i)
        return target[i]

    return choose, asked


def test_all_accepted_brings_a_bonus_token():
    choose, _ = choose_from([1, 2, 3, 9])
    assert exact_match([1, 2, 3], choose) == [1, 2, 3, 9]


def test_the_first_difference_is_replaced_and_ends_the_round():
    choose, asked = choose_from([1, 7, 3, 9])
    assert exact_match([1, 2, 3], choose) == [1, 7]
    assert asked == [0, 1], "a token beyond the difference would cost a random number"


def test_nothing_drafted_is_the_target_alone():
    choose, _ = choose_from([5])
    assert exact_match([], choose) == [5]
