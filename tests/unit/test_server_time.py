from email.utils import formatdate

import pytest

from notebake import clock
from notebake.aws.s3_bucket import ServerTime

NOON = 1_800_000_000.0


class Machine(clock.RealClock):
    """A machine whose time since boot a test sets."""

    def __init__(self) -> None:
        self.since_boot = 1000.0

    def elapsed_with_sleep(self) -> float:
        return self.since_boot


def answer(time: ServerTime, machine: Machine, *, server: float, took: float = 0.0) -> None:
    """Let the server say a time, cut to seconds, that is true when the question is sent."""
    requested_at = machine.since_boot
    machine.since_boot += took
    time.learn(formatdate(int(server), usegmt=True), requested_at)


def test_responses_narrow_the_clock_estimate() -> None:
    machine, time = Machine(), ServerTime()
    assert not time.is_known
    with clock.replaced(machine):
        for tenth in range(11):
            machine.since_boot = 1000 + tenth * 1.1
            answer(time, machine, server=NOON + 0.35 + tenth * 1.1)
        assert time.is_known
        assert time.now() == pytest.approx(NOON + 0.35 + 11, abs=0.06)


def test_a_slow_response_does_not_widen_the_estimate() -> None:
    machine, time = Machine(), ServerTime()
    with clock.replaced(machine):
        answer(time, machine, server=NOON)
        answer(time, machine, server=NOON, took=40)
        assert time.now() == pytest.approx(NOON + 40, abs=0.51)


def test_suspended_time_counts_and_a_corrected_server_clock_is_trusted() -> None:
    machine, time = Machine(), ServerTime()
    with clock.replaced(machine):
        answer(time, machine, server=NOON)
        machine.since_boot += 3600
        assert time.now() == pytest.approx(NOON + 3600, abs=0.51)
        answer(time, machine, server=NOON + 7200)
        assert time.now() == pytest.approx(NOON + 7200, abs=0.51)
