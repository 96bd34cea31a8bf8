import logging
import threading

import pytest

from notebake import clock
from notebake.errors import WaitTimeoutError
from notebake.waiting import (
    allow_waits,
    check_not_interrupted,
    interrupt_waits,
    interrupting_waits,
    wait_until,
    wait_while,
)
from tests.kills.virtual_clock import VirtualClock
from tests.limits import HANG_SECONDS


def test_the_first_answer_ends_the_wait() -> None:
    answers = iter([None, None, 0])

    assert wait_until(lambda: next(answers), what="news", timeout_seconds=HANG_SECONDS) == 0


def test_a_quick_change_is_noticed_long_before_the_interval() -> None:
    answers = iter([None, None, "there"])
    virtual = VirtualClock()

    with clock.replaced(virtual):
        wait_until(lambda: next(answers), what="news", timeout_seconds=600, interval_seconds=300)

    assert 0 < virtual.seconds < 150


def test_a_wait_that_times_out_names_what_it_waited_for() -> None:
    checks: list[None] = []

    with pytest.raises(WaitTimeoutError, match="Timed out after 0 s waiting for a sign"):
        wait_until(lambda: checks.append(None), what="a sign", timeout_seconds=0.2)

    assert len(checks) > 1


def test_an_obstacle_is_shown_until_it_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    obstacles = iter(["dpkg holds it", "dpkg holds it", None])

    left = wait_while(lambda: next(obstacles), what="the lock", timeout_seconds=HANG_SECONDS)

    assert left is None
    assert caplog.messages == ["Waiting for the lock: dpkg holds it"]


def test_an_obstacle_that_stays_is_returned() -> None:
    assert wait_while(lambda: "apt holds it", what="the lock", timeout_seconds=0) == "apt holds it"


def test_with_no_time_left_the_condition_is_checked_once() -> None:
    assert wait_until(lambda: "at once", what="it", timeout_seconds=0) == "at once"


def test_progress_is_logged_once_for_each_change(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    answers = iter([None, None, None, None, True])
    progress = iter(["0 %", "50 %", "50 %", "99 %"])

    wait_until(
        lambda: next(answers),
        what="it",
        timeout_seconds=HANG_SECONDS,
        progress=lambda: next(progress),
    )

    assert caplog.messages == [f"Waiting for it: {percent} %" for percent in (0, 50, 99)]
    assert {getattr(record, "event", "") for record in caplog.records} == {"waiting"}


def test_an_error_in_the_condition_ends_the_wait() -> None:
    def ask() -> None:
        raise ValueError("no such thing")

    with pytest.raises(ValueError, match="no such thing"):
        wait_until(ask, what="it", timeout_seconds=HANG_SECONDS)


def test_an_interrupted_process_does_not_wait_until_allowed_again() -> None:
    ended: list[BaseException] = []
    checked = threading.Event()

    def ask() -> None:
        checked.set()

    def wait() -> None:
        try:
            wait_until(ask, what="ever", timeout_seconds=600, interval_seconds=600)
        except InterruptedError as error:
            ended.append(error)

    waiting = threading.Thread(target=wait)
    waiting.start()
    assert checked.wait(HANG_SECONDS)
    interrupt_waits()
    waiting.join(30)

    assert len(ended) == 1
    with pytest.raises(InterruptedError):
        check_not_interrupted()
    allow_waits()
    check_not_interrupted()


def test_an_interrupt_ends_waits_in_other_threads_and_propagates() -> None:
    with pytest.raises(KeyboardInterrupt), interrupting_waits():
        raise KeyboardInterrupt

    with pytest.raises(InterruptedError):
        check_not_interrupted()


def test_a_failure_lets_other_threads_wait_on() -> None:
    with pytest.raises(ValueError, match="a failure"), interrupting_waits():
        raise ValueError("a failure")

    check_not_interrupted()
