"""The rule on signals written by hand: each reason alone, and when the server stops."""

import datetime
from dataclasses import replace
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from notebake.machines.idle.daily_end import parse_daily_end
from notebake.machines.idle.judge import (
    DAILY_STOP,
    HARD_STOP,
    IDLE_STOP,
    LONGEST_NAME,
    Judgement,
    judge,
)
from notebake.machines.idle.settings import Limits, Settings
from notebake.machines.idle.signals import SILENT, STOPPED, Kernel, Signals, Terminal, Use

HOUR = 3600.0
NOW = datetime.datetime(2026, 11, 30, 18, tzinfo=datetime.UTC).timestamp()
BOOTED = NOW - 5 * HOUR
QUIET = Signals(
    taken=NOW, window_seconds=60, booted=BOOTED, jupyter="answers", cpu_seconds={}, network_bytes=0
)


def judged(signals: Signals = QUIET, now: float = NOW, **settings: Any) -> Judgement:
    limits = settings.pop("limits", Limits())
    return judge(signals, Settings(limits, **settings), now)


def kernel(state: str = "idle", age: float = 2 * HOUR, **more: Any) -> Kernel:
    return Kernel("chlorophyll.ipynb", state, NOW - age, **more)


def test_what_was_never_used_is_idle_since_its_start() -> None:
    found = judged()

    assert (found.active, found.idle_since) == ((), BOOTED)
    assert (found.stops_at, found.why) == (BOOTED + HOUR, IDLE_STOP)
    assert found.used == Use(BOOTED, "start")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"kernels": (kernel("busy"),)}, "kernel busy: chlorophyll.ipynb"),
        ({"kernels": (kernel(age=30),)}, "cell or output: chlorophyll.ipynb"),
        ({"kernels": (kernel(saved=NOW - 30),)}, "notebook saved: chlorophyll.ipynb"),
        ({"terminals": (Terminal("pts/3", "ada", NOW - 30),)}, "typing: pts/3 of ada"),
        (
            {"cpu_seconds": {"user.slice": 5.0, "docker-1.scope": 2.0}},
            "computing: 12% of a core, most in user.slice",
        ),
        ({"network_bytes": 3_000_000.0}, "network: 3.0 MB a minute"),
        ({"jupyter": SILENT}, "JupyterLab runs and does not answer"),
    ],
)
def test_each_kind_of_use_keeps_it(changes: dict[str, Any], reason: str) -> None:
    found = judged(replace(QUIET, **changes))

    assert found.active == (reason,)
    assert found.idle_since is None
    assert (found.stops_at, found.why) == (BOOTED + 24 * HOUR, HARD_STOP)


@pytest.mark.parametrize(
    "changes",
    [
        {"kernels": (kernel(),)},
        {"kernels": (kernel("starting"),)},
        {"terminals": (Terminal("pts/3", "ada", NOW - 2 * HOUR),)},
        {"cpu_seconds": {"user.slice": 5.9}},
        {"network_bytes": 900_000.0},
        {"tunnel_bytes": 50_000_000.0},
        {"network_bytes": 9_000_000.0, "package_job": "apt-daily.service"},
        {"jupyter": STOPPED},
        {"window_seconds": 0.0, "cpu_seconds": None, "network_bytes": None},
    ],
)
def test_what_is_no_use_does_not_keep_it(changes: dict[str, Any]) -> None:
    assert judged(replace(QUIET, **changes)).active == ()


def test_it_stops_a_limit_after_the_last_use_that_any_check_saw() -> None:
    signals = replace(
        QUIET, kernels=(kernel(age=1800),), used=Use(NOW - 600, "network: 9.0 MB a minute")
    )

    assert judged(signals).stops_at == NOW - 600 + HOUR
    assert judged(replace(signals, used=None)).stops_at == NOW - 1800 + HOUR


def test_a_limit_of_zero_never_stops_it_for_idleness() -> None:
    found = judged(limits=Limits(idle_seconds=0))

    assert (found.stops_at, found.why) == (BOOTED + 24 * HOUR, HARD_STOP)
    assert found.idle_since == BOOTED


def test_a_busy_kernel_counts_until_it_has_been_stalled_for_six_hours() -> None:
    signals = replace(QUIET, kernels=(kernel("busy", age=7 * HOUR),), booted=NOW - 9 * HOUR)
    stalled = judged(signals)

    assert stalled.active == ()
    assert stalled.ignored == (
        "kernel busy without output, computing or traffic for 420 minutes: chlorophyll.ipynb",
    )
    assert judged(replace(signals, worked=NOW - 5 * HOUR)).active, "it computed in between"
    assert judged(replace(signals, kernels=(kernel("busy", age=5 * HOUR),))).active, "it printed"


def test_computing_now_ends_a_stall() -> None:
    signals = replace(
        QUIET,
        kernels=(kernel("busy", age=7 * HOUR),),
        booted=NOW - 9 * HOUR,
        cpu_seconds={"notebake-jupyter.service": 30.0},
    )
    found = judged(signals)

    assert found.worked == NOW
    assert "kernel busy: chlorophyll.ipynb" in found.active


def test_a_hold_puts_the_stop_off_and_not_the_idleness() -> None:
    held = judged(keep_until=NOW + 2 * HOUR)
    over = judged(keep_until=NOW - 60)

    assert held.active == ("kept until 20:00 UTC",)
    assert (held.idle_since, held.stops_at) == (BOOTED, NOW + 2 * HOUR)
    assert over.active == ()
    assert over.stops_at == NOW - 60, "an hour of idleness was over before"


def test_a_hold_puts_the_daily_end_off_but_never_the_hard_end() -> None:
    signals = replace(QUIET, kernels=(kernel("busy"),))
    end = parse_daily_end("19:00 UTC")

    assert judged(signals, daily_end=end).stops_at == NOW + HOUR
    put_off = judged(signals, daily_end=end, keep_until=NOW + 3 * HOUR)
    assert (put_off.stops_at, put_off.why) == (NOW + 3 * HOUR, DAILY_STOP)
    too_long = judged(signals, daily_end=end, keep_until=NOW + 90 * HOUR)
    assert (too_long.stops_at, too_long.why) == (BOOTED + 24 * HOUR, HARD_STOP)


def test_a_daily_end_during_a_hold_comes_when_the_hold_ends() -> None:
    signals = replace(QUIET, kernels=(kernel("busy"),))
    settings: dict[str, Any] = {"daily_end": parse_daily_end("15:00 UTC")}

    found = judged(signals, keep_until=NOW + 600, **settings)
    assert (found.stops_at, found.why) == (NOW + 600, DAILY_STOP)
    assert judged(signals, now=NOW + 601, keep_until=NOW + 600, **settings).stops_at == NOW + 600


def test_a_daily_end_of_before_the_start_or_of_before_it_was_set_is_not_made_up_for() -> None:
    at_noon = parse_daily_end("12:00 UTC")
    at_five = parse_daily_end("17:00 UTC")
    signals = replace(QUIET, kernels=(kernel("busy"),))

    assert judged(signals, daily_end=at_noon).stops_at == NOW + 18 * HOUR
    assert judged(signals, daily_end=at_five).stops_at == NOW - HOUR, "it is due"
    later = judged(signals, daily_end=at_five, daily_end_known_since=NOW - 60)
    assert later.why == HARD_STOP, "tomorrow at five comes after the hard end"


def test_a_hard_end_stops_what_is_in_use() -> None:
    signals = replace(QUIET, kernels=(kernel("busy"),))
    found = judged(signals, hard_end=NOW - 1, keep_until=NOW + HOUR)

    assert (found.stops_at, found.why) == (NOW - 1, HARD_STOP)
    assert judged(signals, hard_end=NOW + 90 * HOUR).stops_at == NOW + 90 * HOUR


def test_a_hard_end_of_an_earlier_start_does_not_count() -> None:
    assert judged(limits=Limits(idle_seconds=0), hard_end=BOOTED - HOUR).stops_at == (
        BOOTED + 24 * HOUR
    )


def test_a_daily_end_comes_on_the_day_of_25_hours_too() -> None:
    zone = ZoneInfo("America/Los_Angeles")
    booted = datetime.datetime(2026, 10, 31, 19, 20, tzinfo=zone).timestamp()
    signals = replace(QUIET, booted=booted, taken=booted)
    settings: dict[str, Any] = {
        "limits": Limits(idle_seconds=0),
        "daily_end": parse_daily_end("19:00 America/Los_Angeles"),
    }

    found = judged(signals, now=booted, **settings)
    end = datetime.datetime(2026, 11, 1, 19, 0, tzinfo=zone).timestamp()
    assert (found.stops_at, found.why) == (end, DAILY_STOP)
    held = judged(signals, now=booted, keep_until=booted + 90 * HOUR, **settings)
    assert (held.stops_at, held.why) == (end, HARD_STOP), "a hold is bounded all the same"


def test_what_is_dated_in_the_future_was_seen_before_the_clock_was_put_back() -> None:
    signals = replace(
        QUIET,
        kernels=(kernel(age=-HOUR),),
        terminals=(Terminal("pts/3", "ada", NOW + HOUR),),
        used=Use(NOW - 120, "cell or output: chlorophyll.ipynb"),
    )

    assert judged(signals).idle_since == NOW - 120


def test_signals_can_be_judged_at_another_time() -> None:
    signals = replace(QUIET, kernels=(kernel("busy"),), worked=NOW)

    assert judged(signals, now=NOW + 30).idle_since is None
    assert judged(signals, now=NOW + HOUR).stops_at == NOW + HOUR


def test_names_of_notebooks_are_short_and_printable() -> None:
    odd = Kernel("\x1b[31m" + "deep/" * 40 + "end.ipynb", "busy", NOW)
    (reason,) = judged(replace(QUIET, kernels=(odd,))).active

    assert reason.isprintable()
    assert reason.endswith("/end.ipynb")
    assert len(reason) <= len("kernel busy: …") + LONGEST_NAME
