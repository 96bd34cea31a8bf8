"""The time zone of this computer, and zones by the names that each server knows."""

import datetime
import time
from collections.abc import Callable, Iterator
from importlib import resources
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from notebake.errors import NotebakeError
from notebake.machines.idle import daily_end
from notebake.machines.idle.zone_names import OLD_NAMES
from notebake.servers import zones
from notebake.servers.ends import read_daily_end
from notebake.servers.zones import check_zone, local_zone


@pytest.fixture
def computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Give what sets the clock of this computer to a zone, with neither TZ nor files to name it."""
    monkeypatch.setattr(zones, "LOCAL_TIME", tmp_path / "localtime")
    monkeypatch.setattr(zones, "NAME_OF_ZONE", tmp_path / "timezone")

    def set_clock(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()
        monkeypatch.delenv("TZ")

    yield set_clock
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("computer")
@pytest.mark.parametrize(
    ("variable", "zone"),
    [
        (":Asia/Kolkata", "Asia/Kolkata"),
        ("US/Pacific", "America/Los_Angeles"),
        (":/usr/share/zoneinfo/posix/Europe/Kiev", "Europe/Kyiv"),
    ],
)
def test_tz_names_the_zone(variable: str, zone: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", variable)
    assert local_zone() == zone


def test_the_link_names_the_zone(computer: Callable[[str], None]) -> None:
    computer("America/Argentina/Ushuaia")
    zones.LOCAL_TIME.symlink_to("/usr/share/zoneinfo/America/Argentina/Ushuaia")
    assert local_zone() == "America/Argentina/Ushuaia"
    zones.LOCAL_TIME.unlink()
    zones.LOCAL_TIME.symlink_to("/usr/share/zoneinfo/Asia/Calcutta")
    assert local_zone() == "Asia/Kolkata"


def test_debians_file_names_the_zone_where_it_agrees_with_the_clock(
    computer: Callable[[str], None],
) -> None:
    zones.LOCAL_TIME.write_bytes(b"TZif2")
    zones.NAME_OF_ZONE.write_text("Europe/Berlin\n")
    computer("Europe/Berlin")
    assert local_zone() == "Europe/Berlin"
    for other in ("Europe/London", "Africa/Lagos"):
        computer(other)
        with pytest.raises(NotebakeError, match="not known by its name"):
            local_zone()


def test_a_clock_in_utc_needs_no_name(computer: Callable[[str], None]) -> None:
    computer("UTC0")
    assert read_daily_end("19:00") == "19:00 UTC"


def test_a_zone_that_nothing_names_is_asked_for(computer: Callable[[str], None]) -> None:
    computer("PST8PDT,M3.2.0,M11.1.0")
    with pytest.raises(NotebakeError, match="not known by its name") as caught:
        read_daily_end("19:00")
    assert "--until '19:00 America/Los_Angeles'" in caught.value.hint
    assert read_daily_end("19:00 Asia/Tokyo") == "19:00 Asia/Tokyo"
    assert read_daily_end("none") == ""


@pytest.mark.parametrize("name", ["europe/berlin", "localtime", "Factory", "posix/Asia/Tokyo", ""])
def test_what_not_every_computer_takes_for_this_zone_is_refused(name: str) -> None:
    with pytest.raises(NotebakeError, match="is no time zone") as caught:
        check_zone(name)
    assert ("Europe/Berlin" in caught.value.hint) == (name == "europe/berlin")


def test_old_names_are_those_of_the_database_and_mean_the_same() -> None:
    database = resources.files(pytest.importorskip("tzdata")) / "zoneinfo"
    lines = [line.split() for line in (database / "tzdata.zi").read_text().splitlines()]
    links = {line[2] for line in lines if line[:1] == ["L"]}
    table = (database / "zone.tab").read_text().splitlines()
    places = {line.split("\t")[2] for line in table if not line.startswith("#")}
    named = {name for name in links - places if not name.startswith("Etc/")} - {"UTC", "GMT"}

    assert named <= {*OLD_NAMES}
    assert not {*OLD_NAMES} & places
    for old, new in OLD_NAMES.items():
        assert new in places or new.startswith("Etc/")
        for month in (1, 7):
            moment = datetime.datetime(2026, month, 15, 12)
            offsets = {moment.replace(tzinfo=ZoneInfo(zone)).utcoffset() for zone in (old, new)}
            assert len(offsets) == 1, old


def test_a_machine_without_the_old_names_knows_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def zone_of_noble(name: str) -> ZoneInfo:
        if name in OLD_NAMES:
            raise KeyError(name)
        return ZoneInfo(name)

    monkeypatch.setattr(daily_end, "ZoneInfo", zone_of_noble)
    found = daily_end.parse_daily_end("19:00 US/Pacific")
    assert str(found) == "19:00 America/Los_Angeles"
