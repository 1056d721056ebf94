"""The line between chat and composer: what it says, and for how long."""

from __future__ import annotations

from threading import Event

from tests.support.pilot import wait_until
from tests.support.still_app import StillApp


async def test_what_is_said_again_is_shown_as_long_as_the_last_time_asks_for() -> None:
    app, passed = StillApp("specdec-dark"), Event()
    async with app.run_test() as pilot:
        app.divider.say("it is in the queue", 0.01)
        app.divider.say("it is in the queue", 60)
        app.divider.set_timer(0.05, passed.set)  # after the first one would have ended
        await wait_until(pilot, passed.is_set)
        assert app.divider.hint == "it is in the queue"
        app.divider.say("it is in the queue", 0.01)
        await wait_until(pilot, lambda: app.divider.hint == "")
