"""Known vulnerabilities of Debian's packages, as debsecan itself has them of the tracker's data."""

import datetime
import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from notebake.images.updates.advice.debian_advice import advise_on_distribution
from sandbox.archives.server import ArchiveFault, ArchiveServer
from tests.updates.advice_world import tracker_data

DATED = "Sat, 28 Nov 2026 06:30:00 GMT"
DATA = tracker_data(
    ["CVE-2026-1", "CVE-2026-2", "CVE-2026-3", "TEMP-0000000-ABCDEF"],
    [
        "openssl,0,SHRF,3.5.1-1,3.0.15-1~deb12u2 1.1.1n-0+deb11u9",
        "openssl,1,SL? ,3.5.2-1,",
        "glibc,2,SM  ,,",
        "git,3,SH  ,1:2.30-1,",
        "wave-tool,0,BHRF,2.0-1,",
    ],
    {"openssl": ["libssl3", "openssl"], "glibc": ["libc6"], "git": ["git"]},
)
needs_debsecan = pytest.mark.skipif(not shutil.which("debsecan"), reason="debsecan: not installed.")


def package(name: str, version: str, source: str = "", indexes: tuple[int, ...] = ()) -> Any:
    return {
        "name": name,
        "version": version,
        "architecture": "amd64",
        "source": source or name,
        "source_version": version,
        "indexes": [*indexes],
    }


def record(*packages: Any, **release: str) -> bytes:
    """Return an apt-packages.json of Debian 12."""
    debian = {"id": "debian", "version_id": "12", "version_codename": "bookworm"}
    return json.dumps(
        {
            "format": 2,
            "release": debian | release,
            "architecture": "amd64",
            "indexes": [{"origin": "Debian"}, {"origin": "Waves Inc."}],
            "packages": [*packages],
            "notes": [],
        }
    ).encode()


PACKAGES = (
    package("openssl", "3.0.15-1~deb12u1", indexes=(0,)),
    package("libssl3", "3.0.15-1~deb12u1", "openssl", (0,)),
    package("libc6", "2.36-9+deb12u9", "glibc"),
    package("git", "1:2.39.5-0+deb12u1", indexes=(0,)),
)


@pytest.fixture
def tracker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ArchiveServer]:
    """The tracker, with data on bookworm."""
    with ArchiveServer(tmp_path / "tracker") as server:
        monkeypatch.setenv("NOTEBAKE_DEBSECAN_SOURCE", f"{server.url}/release/1/")
        dated = (("Last-Modified", DATED),)
        server.faults.append(ArchiveFault("*/bookworm", content=DATA, headers=dated))
        yield server


@needs_debsecan
def test_what_the_tracker_knows_is_found_by_source_package(tracker: ArchiveServer) -> None:
    found = advise_on_distribution(record(*PACKAGES))

    rows = [(it.package, it.ids, it.fixed, it.urgency, it.detail) for it in found.findings]
    assert rows == [
        (
            "openssl",
            ("CVE-2026-1",),
            ("3.0.15-1~deb12u2",),
            "high",
            "openssl, libssl3; can be used remotely",
        ),
        ("glibc", ("CVE-2026-3",), (), "medium", "libc6"),
        ("openssl", ("CVE-2026-2",), (), "low", "openssl, libssl3"),
    ]
    assert (found.state, found.packages, found.reason) == ("asked", 4, "")
    assert found.data_of == datetime.datetime(2026, 11, 28, 6, 30, tzinfo=datetime.UTC)
    assert tracker.requested == ["/release/1/bookworm"]
    assert found.source == f"{tracker.url}/release/1/ (bookworm), by debsecan"


@needs_debsecan
@pytest.mark.usefixtures("tracker")
def test_an_update_that_fixes_it_ends_it() -> None:
    updated = [
        {**each, "version": "3.0.15-1~deb12u2", "source_version": "3.0.15-1~deb12u2"}
        for each in PACKAGES[:2]
    ]

    found = advise_on_distribution(record(*updated))

    assert [it.ids for it in found.findings] == [("CVE-2026-2",)]


@needs_debsecan
@pytest.mark.usefixtures("tracker")
def test_packages_of_other_archives_were_not_asked_for() -> None:
    foreign = package("wave-tool", "1.0", indexes=(1,))

    found = advise_on_distribution(record(*PACKAGES, foreign))

    assert (found.state, found.packages) == ("asked in part", 4)
    assert found.reason == "1 package from other archives than Debian's: wave-tool."
    assert "wave-tool" not in {it.package for it in found.findings}


@needs_debsecan
def test_exceptions_of_this_computer_do_not_count(
    tracker: ArchiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The image's vulnerabilities do not depend on what somebody has whitelisted here."""
    seen: list[str] = []
    run = subprocess.run

    def recorded(line: list[str], **options: Any) -> Any:
        seen.extend(line)
        return run(line, **options)

    monkeypatch.setattr("subprocess.run", recorded)
    found = advise_on_distribution(record(*PACKAGES))

    assert tracker.requested
    assert len(found.findings) == 3
    assert not Path(seen[seen.index("--whitelist") + 1]).exists()
    assert not Path(seen[seen.index("--config") + 1]).exists()


@needs_debsecan
@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (ArchiveFault("*/bookworm", status=404), "/release/1/bookworm: 404 Not Found."),
        (ArchiveFault("*/bookworm", status=503), "/release/1/bookworm: 503 Service Unavailable."),
        (ArchiveFault("*/bookworm", content=b"<html>"), "/bookworm is not debsecan's data: "),
        (
            ArchiveFault("*/bookworm", content=tracker_data([], [], {})),
            "/bookworm names no vulnerability of any package.",
        ),
        (ArchiveFault("*/bookworm", content=DATA[:-40]), "/bookworm is not debsecan's data: "),
        (ArchiveFault("*/bookworm", drops=True), "RemoteProtocolError"),
    ],
)
def test_a_tracker_that_fails_was_not_asked(
    fault: ArchiveFault, expected: str, tracker: ArchiveServer
) -> None:
    tracker.faults.insert(0, fault)

    found = advise_on_distribution(record(*PACKAGES))

    assert tracker.injected
    assert (found.state, found.findings, found.data_of) == ("not asked", (), None)
    assert expected in found.reason


@needs_debsecan
def test_data_without_a_date_say_so(tracker: ArchiveServer) -> None:
    tracker.faults.insert(0, ArchiveFault("*/bookworm", content=DATA))

    found = advise_on_distribution(record(*PACKAGES))

    assert (found.state, found.data_of, len(found.findings)) == ("asked", None, 3)


@needs_debsecan
@pytest.mark.usefixtures("tracker")
def test_an_error_of_debsecan_is_the_reason() -> None:
    found = advise_on_distribution(record(package("odd", "1", "no source")))

    assert found.state == "not asked"
    assert "invalid source package" in found.reason


@pytest.mark.usefixtures("tracker")
def test_without_the_program_nobody_was_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    found = advise_on_distribution(record(*PACKAGES))

    expected = "debsecan is not installed; on Debian and Ubuntu: apt install debsecan."
    assert (found.state, found.reason) == ("not asked", expected)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (record(*PACKAGES, id="ubuntu", version_codename="noble"), "no source of advice for ubun"),
        (record(*PACKAGES, id=""), "for an unknown distribution"),
        (record(*PACKAGES, version_codename=""), "no source of advice for debian"),
        (record(), "The run listed no package"),
        (None, "The run kept no apt-packages.json."),
        (b"[", "cannot be read"),
        (b"[1]", "is not what notebake writes"),
    ],
)
def test_a_list_of_which_nobody_knows_was_not_asked(content: bytes | None, expected: str) -> None:
    found = advise_on_distribution(content)

    assert (found.state, found.findings) == ("not asked", ())
    assert expected in found.reason
