"""One check of a server: is it used, has its end come? Runs each minute, as root."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

from notebake.machines.idle.collect import collect
from notebake.machines.idle.judge import Judgement, judge
from notebake.machines.idle.memory import (
    Clocks,
    Memory,
    load_memory,
    read_clocks,
    save_memory,
    write_report,
)
from notebake.machines.idle.metadata import MetadataError, read_tags
from notebake.machines.idle.settings import SERVER, Settings, parse_tags, read_limits
from notebake.machines.idle.signals import Signals
from notebake.machines.idle.terminals import write_to_terminals
from notebake.machines.idle.times import format_time
from notebake.machines.idle.warnings import due_warnings, state_text, warning_text

NOTICE, WARNING = "<5>", "<4>"
"""Levels that the journal takes from the start of a line (sd-daemon(3))."""


def main() -> int:
    """Check once, and stop the machine if its end has come."""
    memory = load_memory()
    try:
        memory.tags = read_tags()
    except MetadataError as error:
        if memory.tags is None:
            say_once(memory, f"Does nothing: {error}")
            save_memory(memory)
            return 0
        say_once(memory, f"Goes on with the tags as they were: {error}", WARNING)
    if SERVER not in memory.tags:
        say_once(memory, f"Does nothing: the instance has no tag {SERVER}")
        save_memory(Memory(said=memory.said))
        return 0
    check(memory)
    return 0


def check(memory: Memory) -> None:
    """Look, judge, report and warn; power off when the time has come."""
    clocks = read_clocks()
    limits, wrong = read_limits()
    settings, wrong_tags = parse_tags(memory.tags or {}, limits)
    settings = with_daily_end(settings, memory, clocks)
    signals, memory = collect(memory, settings.limits, clocks)
    judgement = judge(signals, settings, clocks.now)
    memory.used = (clocks.as_elapsed(judgement.used.at), judgement.used.what)
    memory.worked = clocks.as_elapsed(judgement.worked)
    write_report(report_of(signals, judgement, [*wrong, *wrong_tags]))
    state = state_text(judgement, settings, clocks.now)
    say_once(memory, "; ".join([state, *wrong, *wrong_tags]))
    warn(memory, judgement, settings, clocks.now)
    save_memory(memory)
    if judgement.stops_at is not None and clocks.now >= judgement.stops_at:
        say(f"Powers off: {judgement.why}. {state}", WARNING)
        power_off()


def with_daily_end(settings: Settings, memory: Memory, clocks: Clocks) -> Settings:
    """Return the settings with the time since which their daily end is known."""
    text = str(settings.daily_end or "")
    if memory.daily_end is None:
        memory.daily_end = (text, 0.0)
    elif memory.daily_end[0] != text:
        memory.daily_end = (text, clocks.elapsed)
    return replace(settings, daily_end_known_since=clocks.as_date(memory.daily_end[1]))


def report_of(signals: Signals, judgement: Judgement, wrong: list[str]) -> dict[str, object]:
    """Return what everybody may read."""
    return {
        "checked": format_time(signals.taken),
        "idle_since": judgement.idle_since and format_time(judgement.idle_since),
        "active": list(judgement.active),
        "stops_at": judgement.stops_at and format_time(judgement.stops_at),
        "why": judgement.why,
        "last_use": judgement.used.what,
        "ignored": list(judgement.ignored),
        "complaints": [*signals.complaints, *wrong],
    }


def warn(memory: Memory, judgement: Judgement, settings: Settings, now: float) -> None:
    """Write to all terminals and the journal when an interval before the stop begins."""
    due, memory.warned = due_warnings(judgement, settings, memory.warned, now)
    if due:
        text = warning_text(judgement, settings, now)
        say(f"{text} (written to {write_to_terminals(text)} terminals)", WARNING)


def say_once(memory: Memory, text: str, level: str = NOTICE) -> None:
    """Tell the journal, unless it was told the same last."""
    if memory.said != text:
        say(text, level)
        memory.said = text


def say(text: str, level: str) -> None:
    """Tell the journal."""
    sys.stdout.write(f"{level}{text}\n")
    sys.stdout.flush()


def power_off() -> None:
    """End the machine: the instance then stops or terminates, by its shutdown behaviour."""
    if subprocess.run(["systemctl", "poweroff"], check=False).returncode:
        subprocess.run(["systemctl", "poweroff", "--force"], check=True)


if __name__ == "__main__":
    sys.exit(main())
