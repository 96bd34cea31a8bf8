"""The time zone of this computer, and of what people type, by a name that each server knows."""

import datetime
import os
import time
import zoneinfo
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from zoneinfo import ZoneInfo

from notebake import clock
from notebake.errors import NotebakeError
from notebake.machines.idle.zone_names import OLD_NAMES, name_of_today

LOCAL_TIME = Path("/etc/localtime")
NAME_OF_ZONE = Path("/etc/timezone")
"""Debian's; it need not agree with LOCAL_TIME."""
NO_PLACES = {"Factory", "localtime"}
"""They stand among the zones, and mean something else on each computer."""
HALF_A_YEAR = datetime.timedelta(days=182)


def check_zone(name: str) -> str:
    """Return the name that a server knows for a time zone of the time zone database.

    Raises:
        NotebakeError: there is none of this name.
    """
    known = zoneinfo.available_timezones() - NO_PLACES | {*OLD_NAMES}
    if name in known:
        return name_of_today(name)
    meant = next((zone for zone in known if zone.lower() == name.lower()), "America/Los_Angeles")
    raise NotebakeError(f"{name!r} is no time zone.", f"Zones are named as {meant}")


def local_zone() -> str:
    """Return the name of this computer's time zone, such as `Europe/Berlin`.

    The variable TZ may name it, or /etc/localtime by being a link into the zone database
    (localtime(5)), or Debian's /etc/timezone.

    Raises:
        NotebakeError: nothing names it.
    """
    for name in _names():
        with suppress(NotebakeError):
            return check_zone(name)
    raise NotebakeError(
        "The time zone of this computer is not known by its name.",
        "Type it after the time: --until '19:00 America/Los_Angeles'",
    )


def _names() -> Iterator[str]:
    if (zone := os.environ.get("TZ")) is not None:
        yield _in_database(zone.removeprefix(":"))
    else:
        with suppress(OSError):
            yield _in_database(str(LOCAL_TIME.readlink()))
        with suppress(OSError, UnicodeDecodeError):
            if _agrees(name := NAME_OF_ZONE.read_text(encoding="utf-8").strip()):
                yield name
    # So the C library has it where nothing is set; a zone by another name with these hours is none.
    if time.tzname == ("UTC", "UTC") and time.timezone == 0:
        yield "UTC"


def _in_database(path: str) -> str:
    """Return the name of a zone from its path in the zone database; another text as it is."""
    name = path.rpartition("zoneinfo/")[2]
    return name.removeprefix("posix/").removeprefix("right/")


def _agrees(name: str) -> bool:
    """Return whether this computer's clock is that of the zone, in summer and in winter."""
    now = datetime.datetime.fromtimestamp(clock.now(), datetime.UTC)
    try:
        zone = ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        return False
    return all(
        moment.astimezone().utcoffset() == moment.astimezone(zone).utcoffset()
        for moment in (now, now + HALF_A_YEAR)
    )
