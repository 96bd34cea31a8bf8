"""What hosts showed in each case: checks in a row, kept as JSON, read again without a host."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from notebake.machines.idle.judge import Judgement, judge
from notebake.machines.idle.settings import Limits, parse_tags
from notebake.machines.idle.signals import Signals, from_json

FOLDER = Path(__file__).parent / "recordings"
CHECKS = 6
SECONDS = 3.0
"""The checks of a recording, and the time between two: a minute in earnest."""
IDLE_SECONDS = 12.0
"""The idle limit of a recording, an hour in earnest; the kernel rounds times of input to 8 s."""


@dataclass(frozen=True)
class Check:
    """What one check saw, the tags of then, and what the rules of others ask for."""

    signals: Signals
    tags: dict[str, str]
    others: dict[str, Any]


@dataclass(frozen=True)
class Recording:
    """The checks of a case, in the order of time; the first counts nothing yet."""

    checks: tuple[Check, ...]

    def settled(self) -> tuple[dict[str, Any], dict[str, Any]]:
        """Return what others see at the begin and at the end, without what a login just now did."""
        return self.checks[1].others, self.last.others

    @property
    def last(self) -> Check:
        return self.checks[-1]


def parse_recording(text: str) -> Recording:
    """Return a recording from its JSON."""
    checks = [
        Check(from_json(each["signals"]), each["tags"], each["others"]) for each in json.loads(text)
    ]
    return Recording(tuple(checks))


def kept_recording(name: str) -> Recording:
    """Return the kept recording of a case."""
    return parse_recording((FOLDER / f"{name}.json").read_text(encoding="utf-8"))


def judge_last(recording: Recording, **limits: Any) -> Judgement:
    """Return the judgement of the last check, after all before it, each at its own time."""
    wanted = replace(Limits(), **{"idle_seconds": IDLE_SECONDS, **limits})
    found: Judgement | None = None
    for check in recording.checks:
        used, worked = (found.used, found.worked) if found else (None, None)
        signals = replace(check.signals, used=used, worked=worked)
        found = judge(signals, parse_tags(check.tags, wanted)[0], signals.taken)
    assert found, "a recording has checks"
    return found


def stops(recording: Recording, **limits: Any) -> bool:
    """Return whether the server stops at the last check by our rule."""
    stops_at = judge_last(recording, **limits).stops_at
    return stops_at is not None and recording.last.signals.taken >= stops_at
