import pytest

from core.engine.policy import Prices, make_policy

FLAT = Prices(v=[0.0] + [1.0] * 20, t_draft=0.1)
CPU = Prices(v=[0, 28, 60, 68, 72, 107, 113, 104, 96], t_draft=1.0)
"""Measured: 1.1B Q8_0 on two cores, milliseconds; a batch of eight is cheaper than one of five."""


def test_a_fixed_length_is_priced_as_in_the_paper():
    policy = make_policy(FLAT, [0.8] * 8)
    for gamma in range(9):
        tokens = (1 - 0.8 ** (gamma + 1)) / (1 - 0.8)
        assert policy.rates[gamma] == pytest.approx(tokens / (1 + 0.1 * gamma))


def test_a_draft_that_is_never_right_is_not_worth_a_step():
    policy = make_policy(FLAT, [0.0] * 8)
    assert policy.best_fixed == 0
    assert policy.rate == policy.rates[0] == 1.0


def test_a_falling_curve_is_followed_over_its_hump():
    policy = make_policy(CPU, [0.85] * 7)
    assert policy.best_fixed == 7
    assert policy.go_on[4] < 0, "five drafted tokens are verified at less cost than four"


def test_going_on_pays_until_the_best_length_and_not_beyond():
    policy = make_policy(FLAT, [0.7] * 12)
    joint = 1.0
    k = 0
    while k < 12 and joint > policy.go_on[k]:
        k += 1
        joint *= 0.7
    assert k == policy.best_fixed


def test_a_look_at_the_confidence_is_worth_more_than_a_fixed_length():
    prices = Prices(v=[0.0, 1.0] + [1.6 + 0.1 * n for n in range(16)], t_draft=0.02)
    blind = make_policy(prices, [0.5, 0.8, 0.8, 0.8])
    informed = make_policy(prices, [0.5, 0.8, 0.8, 0.8], [(0.5, 0.95), (0.5, 0.05)])
    assert informed.rate > blind.rate


@pytest.mark.parametrize(("t_draft", "could"), [(1.0, True), (14.0, True), (28.0, False)])
def test_a_draft_as_slow_as_its_target_could_not_pay_whatever_batches_cost(
    t_draft: float, could: bool
):
    assert make_policy(Prices(CPU.v, t_draft), [0.95] * 7).could_pay is could


def test_the_tail_of_a_draft_is_dropped_where_it_does_not_pay():
    prices = Prices(v=[0.0, 1.0, 1.1, 1.2, 1.3, 3.0], t_draft=0.01)
    policy = make_policy(prices, [0.9] * 4)
    assert policy.worth_verifying([0.9, 0.81, 0.73, 0.04]) == 3
    assert policy.worth_verifying([0.01]) == 0
    assert policy.worth_verifying([]) == 0
