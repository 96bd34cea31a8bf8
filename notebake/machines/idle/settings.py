"""What is wanted: the instance's tags, and a file of the machine for what the tags do not say."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from notebake.machines.idle.daily_end import DailyEnd, parse_daily_end
from notebake.machines.idle.times import parse_time

SETTINGS_FILE = "/etc/notebake/idle.json"
SERVER = "notebake:server"
IDLE = "notebake:idle-minutes"
DAILY_END = "notebake:daily-end"
HARD_END = "notebake:hard-end"
KEEP_UNTIL = "notebake:keep-until"


@dataclass(frozen=True)
class Limits:
    """What the rule measures by; each may stand in SETTINGS_FILE under its name."""

    idle_seconds: float = 3600
    """Without use for so long, a server stops; 0: never. The tag in minutes comes first."""
    cpu_share: float = 0.1
    """More than so much of one core, on average since the check before, is use."""
    bytes_per_minute: float = 1_000_000
    """More than that through the network, without what tunnels carry, is use."""
    stalled_seconds: float = 6 * 3600
    """For so long a busy kernel counts that neither prints nor computes nor loads anything."""
    hard_end_seconds: float = 24 * 3600
    """How long after its boot a server stops for which no tag gives a hard end."""
    warn_seconds: tuple[float, ...] = (600, 120)
    """How long before the stop the terminals are warned."""
    jupyter_port: int = 8887
    jupyter_folder: str = "/"
    """The folder that JupyterLab shows."""
    token_file: str = "/etc/notebake/jupyter-token"  # noqa: S105
    jupyter_unit: str = "notebake-jupyter.service"


@dataclass(frozen=True)
class Settings:
    """What the rule is asked for; times in seconds since the epoch."""

    limits: Limits
    name: str = ""
    daily_end: DailyEnd | None = None
    daily_end_known_since: float = 0
    """A daily end before that was not asked for."""
    hard_end: float | None = None
    keep_until: float | None = None


def read_limits(path: str = SETTINGS_FILE) -> tuple[Limits, list[str]]:
    """Return what the file says, and what is wrong with it; without a file what is usual."""
    limits, wrong = Limits(), []
    try:
        given = json.loads(Path(path).read_text(encoding="utf-8"))
        entries = dict(given).items()
    except FileNotFoundError:
        return limits, []
    except (OSError, ValueError, TypeError) as error:
        return limits, [f"{path} cannot be read: {error}"]
    for key, value in entries:
        try:
            limits = _with(limits, str(key), value)
        except (TypeError, ValueError) as error:
            wrong.append(f"{key} in {path} is not used: {error}")
    return limits, wrong


def _with(limits: Limits, key: str, value: Any) -> Limits:
    usual = {field.name: getattr(limits, field.name) for field in fields(Limits)}
    if key not in usual:
        raise ValueError(f"it is none of {', '.join(usual)}")
    if key == "warn_seconds":
        return replace(limits, warn_seconds=tuple(_number(each) for each in value))
    read = _text if isinstance(usual[key], str) else type(usual[key])
    changes: dict[str, Any] = {key: read(value if read is _text else _number(value))}
    return replace(limits, **changes)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("it is no text")
    return value


def _number(value: Any) -> float:
    number = float(value)
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{value} is no number of at least 0")
    return number


def parse_tags(tags: Mapping[str, str], limits: Limits) -> tuple[Settings, list[str]]:
    """Return what an instance's tags say, and what is wrong with them: that is not used."""
    settings, wrong = Settings(limits, name=tags.get(SERVER, "")), []
    readers: dict[str, Any] = {
        IDLE: lambda text: {"limits": replace(limits, idle_seconds=60 * _number(text))},
        DAILY_END: lambda text: {"daily_end": parse_daily_end(text)},
        HARD_END: lambda text: {"hard_end": parse_time(text)},
        KEEP_UNTIL: lambda text: {"keep_until": parse_time(text)},
    }
    for key, read in readers.items():
        text = tags.get(key, "").strip()
        try:
            settings = replace(settings, **read(text)) if text else settings
        except (ValueError, OverflowError) as error:
            wrong.append(f"The tag {key} is {text!r} and not used: {error}")
    return settings, wrong
