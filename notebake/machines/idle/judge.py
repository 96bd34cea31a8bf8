"""The rule: when a server is in use, and when it stops. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from notebake.machines.idle.settings import Limits, Settings
from notebake.machines.idle.signals import SILENT, Kernel, Signals, Use
from notebake.machines.idle.times import clock_time, in_minutes

IDLE_STOP = "idle"
DAILY_STOP = "daily end"
HARD_STOP = "hard end"
TERMINAL_SECONDS = 8
"""To so much the kernel rounds the time of input, lest it betray how somebody types
(tty_update_time in drivers/tty/tty_io.c, Linux 6.18)."""
LONGEST_NAME = 60


@dataclass(frozen=True)
class Judgement:
    """Whether a server is in use, and when it stops."""

    active: tuple[str, ...]
    """Why it does not stop for idleness now; empty if nothing keeps it."""
    ignored: tuple[str, ...]
    """What was seen and does not count, with the reason."""
    used: Use
    """The last use."""
    worked: float
    """When it last computed or loaded something."""
    idle_since: float | None
    """None: somebody or something uses it now."""
    stops_at: float | None
    """When it stops unless it is used or kept."""
    why: str | None
    """One of IDLE_STOP, DAILY_STOP and HARD_STOP."""


def judge(signals: Signals, settings: Settings, now: float) -> Judgement:
    """Decide over what a check saw; `now` is in seconds since the epoch.

    Something that is dated after the check was seen by an earlier check, before the clock was put
    back: that use is in `signals.used`.
    """
    limits = settings.limits
    works = list(working(signals, limits))
    worked = max(signals.booted, signals.worked or 0, *(use.at for use in works))
    busy, ignored = busy_kernels(signals, limits, worked, now)
    dated = [*works, *busy, *dated_uses(signals)]
    seen = [use for use in dated if use.at <= signals.taken + 1]
    before = [signals.used] if signals.used else []
    newest = max([Use(signals.booted, "start"), *before, *seen], key=lambda use: use.at)
    recent = now - max(signals.window_seconds, TERMINAL_SECONDS)
    active = [use.what for use in seen if use.at > recent]
    idle_since = None if active else newest.at
    if settings.keep_until and settings.keep_until > now:
        active.append(f"kept until {clock_time(settings.keep_until)}")
    stops_at, why = next_stop(signals, settings, idle_since)
    ignored += [f"{signals.package_job} loads packages"] if signals.package_job else []
    return Judgement(tuple(active), tuple(ignored), newest, worked, idle_since, stops_at, why)


def next_stop(
    signals: Signals, settings: Settings, idle_since: float | None
) -> tuple[float | None, str | None]:
    """Return when the server stops, and why: the earliest of its ends.

    `keep` holds against idleness and the daily end, and nothing against the hard end. A hard end
    from before this boot was for an earlier one: then it is a day after the boot, or the daily end
    if that comes later.
    """
    limits, kept = settings.limits, settings.keep_until or 0
    ends: list[tuple[float, str]] = []
    if idle_since is not None and limits.idle_seconds:
        ends.append((max(idle_since + limits.idle_seconds, kept), IDLE_STOP))
    if settings.daily_end:
        since = max(signals.booted, settings.daily_end_known_since)
        ends.append((max(settings.daily_end.after(since), kept), DAILY_STOP))
    hard_end = settings.hard_end or 0
    if hard_end <= signals.booted:
        hard_end = signals.booted + limits.hard_end_seconds
        if settings.daily_end:
            # On the day of 25 hours the daily end comes later.
            hard_end = max(hard_end, settings.daily_end.after(signals.booted))
    ends.append((hard_end, HARD_STOP))
    return min(ends)


def working(signals: Signals, limits: Limits) -> Iterator[Use]:
    """Give what computes or loads something now."""
    if not signals.window_seconds:
        return
    cores = {
        unit: seconds / signals.window_seconds
        for unit, seconds in (signals.cpu_seconds or {}).items()
    }
    if sum(cores.values()) > limits.cpu_share:
        most = max(cores, key=lambda unit: cores[unit])
        yield Use(signals.taken, f"computing: {sum(cores.values()):.0%} of a core, most in {most}")
    per_minute = (signals.network_bytes or 0) / signals.window_seconds * 60
    if per_minute > limits.bytes_per_minute and not signals.package_job:
        yield Use(signals.taken, f"network: {per_minute / 1e6:.1f} MB a minute")


def busy_kernels(
    signals: Signals, limits: Limits, worked: float, now: float
) -> tuple[list[Use], list[str]]:
    """Return the kernels that are busy, and in words those that have been stalled for too long."""
    uses, stalled = [], []
    for kernel in signals.kernels:
        if kernel.state != "busy":
            continue
        quiet = now - max(kernel.last_activity, worked)
        if quiet < limits.stalled_seconds:
            uses.append(Use(signals.taken, f"kernel busy: {short_name(kernel)}"))
        else:
            what = f"kernel busy without output, computing or traffic for {in_minutes(quiet)}"
            stalled.append(f"{what}: {short_name(kernel)}")
    return uses, stalled


def dated_uses(signals: Signals) -> Iterator[Use]:
    """Give the uses that carry a time of their own, or none."""
    for kernel in signals.kernels:
        if kernel.state != "busy":
            yield Use(kernel.last_activity, f"cell or output: {short_name(kernel)}")
        if kernel.saved:
            yield Use(kernel.saved, f"notebook saved: {short_name(kernel)}")
    for terminal in signals.terminals:
        yield Use(terminal.last_input, f"typing: {terminal.name} of {terminal.user}")
    if signals.jupyter == SILENT:
        yield Use(signals.taken, "JupyterLab runs and does not answer")


def short_name(kernel: Kernel) -> str:
    """Return a kernel's name, its end if it is long; what is not printable is left out."""
    name = "".join(letter for letter in kernel.name if letter.isprintable())
    return name if len(name) <= LONGEST_NAME else f"…{name[-LONGEST_NAME:]}"
