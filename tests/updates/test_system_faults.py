"""A source that cannot be asked is not checked, with what was tried and what came back."""

import pytest

from notebake.images.updates.archives import download
from notebake.images.updates.system_packages import NO_SECURITY
from sandbox.archives.server import ArchiveFault
from tests.updates.apt_world import AptWorld, newer_everywhere

HTML = b"<html><body>Please log in to the network</body></html>"
STABLE = "/dists/stable/"
FAULTS = {
    "a release that is missing": (
        ArchiveFault(f"{STABLE}*Release*", status=404), "InRelease: 404 Not Found; GET"),
    "an error of the server": (
        ArchiveFault(f"{STABLE}InRelease", status=500), "InRelease: 500 Internal Server Error"),
    "a refusal": (ArchiveFault(f"{STABLE}InRelease", status=401), "InRelease: 401 Unauthorized"),
    "a page instead of a release": (
        ArchiveFault(f"{STABLE}InRelease", content=HTML), "begins '<html><body>Please log in"),
    "an empty release": (ArchiveFault(f"{STABLE}InRelease", content=b""), "is not one signed"),
    "a release cut short": (
        ArchiveFault(f"{STABLE}InRelease", changed=lambda text: text[:300]),
        "there is no signature"),
    "a release that was changed": (
        ArchiveFault(f"{STABLE}InRelease", changed=lambda text: text.replace(b"Codename: tide",
                     b"Codename: wave")), "the signature is wrong"),
    "text before what is signed": (
        ArchiveFault(f"{STABLE}InRelease", changed=lambda text: b"Suite: x\n" + text),
        "is not one signed message"),
    "text after what is signed": (
        ArchiveFault(f"{STABLE}InRelease", changed=lambda text: text + b"\n" + text),
        "is not one signed message"),
    "an index that is missing": (
        ArchiveFault(f"{STABLE}main/binary-amd64/*", status=404), "Packages.xz: 404 Not Found"),
    "an index with an error": (
        ArchiveFault(f"{STABLE}main/binary-amd64/*", status=503), "503 Service Unavailable"),
    "an index cut short": (
        ArchiveFault(f"{STABLE}main/binary-amd64/*", changed=lambda text: text[:-9]),
        "is not the file that the release has signed"),
    "an index that was changed": (
        ArchiveFault(f"{STABLE}main/binary-amd64/*", changed=lambda text: text[:-1] + b"x"),
        "is not the file that the release has signed"),
    "an index that is longer": (
        ArchiveFault(f"{STABLE}main/binary-amd64/*", changed=lambda text: text + b"x"),
        "more than"),
    "a page instead of an index": (
        ArchiveFault(f"{STABLE}main/binary-amd64/*", content=HTML),
        "is not the file that the release has signed"),
    "a redirect without an end": (
        ArchiveFault(f"{STABLE}*Release*", status=302,
                     headers=(("Location", f"{STABLE}InRelease"),)), "TooManyRedirects"),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_the_reason_of_its_source(name: str, world: AptWorld) -> None:
    fault, expected = FAULTS[name]
    world.archive.publish()
    world.server.faults.append(fault)

    security, system = world.check()

    assert world.server.injected, "the fault took place"
    assert (system.state, system.changes) == ("not checked", ())
    assert f"{world.server.url} stable main contrib: " in system.reason
    assert expected in system.reason
    assert system.reason.count(" main contrib: ") == 1, "only this source failed"
    assert (security.state, security.reason) == ("unchanged", "")
    assert "(stable-updates, " in security.how


@pytest.mark.parametrize("name", FAULTS)
def test_what_could_be_asked_is_still_found(name: str, world: AptWorld) -> None:
    fault, expected = FAULTS[name]
    newer_everywhere(world)
    world.archive.publish()
    world.server.faults.append(fault)

    security, system = world.check()

    assert world.server.injected
    assert [change.name for change in system.changes] == ["bash"]
    assert (system.state, expected in system.reason) == ("changed", True)
    assert [change.name for change in security.changes] == ["git"]


def test_the_suite_for_security_alone_is_the_reason_of_security(world: AptWorld) -> None:
    world.archive.publish()
    world.server.faults.append(ArchiveFault("/dists/tide-security/*", status=404))

    security, system = world.check()

    assert (security.state, system.state) == ("not checked", "unchanged")
    assert "tide-security main contrib: GET" in security.reason


def test_without_a_suite_for_security_nothing_is_known_of_it(world: AptWorld) -> None:
    world.archive.publish()
    world.change_sources("Suites: tide-security", "Suites: stable")

    security, system = world.check()

    assert (security.state, security.reason) == ("not checked", NO_SECURITY)
    assert system.state == "unchanged"


def test_a_server_that_hangs_is_left(world: AptWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ARCHIVE_ANSWER_SECONDS", 0.5)
    world.archive.publish()
    world.server.faults.append(ArchiveFault(f"{STABLE}InRelease", hangs=True))

    security, system = world.check()

    assert world.server.injected
    assert "InRelease: no answer for 0.5 s" in system.reason
    assert (security.state, system.state) == ("unchanged", "not checked")


def test_a_server_that_drips_is_left(world: AptWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(download, "ARCHIVES_SECONDS", -1)
    world.archive.publish()

    security, system = world.check()

    assert "not complete after -1 s" in security.reason
    assert (security.state, system.state) == ("not checked", "not checked")


def test_nobody_listens(world: AptWorld) -> None:
    world.change_sources(world.server.url, "http://127.0.0.1:9")

    security, system = world.check()

    assert (security.state, system.state) == ("not checked", "not checked")
    assert "GET http://127.0.0.1:9/dists/stable/InRelease: ConnectError" in system.reason


def test_a_proxy_that_cannot_be_used_is_the_reason(
    world: AptWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    world.archive.publish()
    monkeypatch.setenv("http_proxy", "gopher://127.0.0.1:70")

    for finding in world.check():
        assert finding.state == "not checked"
        assert "The proxy of this computer cannot be used" in finding.reason


@pytest.mark.parametrize(("times", "state"), [(1, "unchanged"), (2, "not checked")])
def test_what_breaks_once_is_asked_for_again(times: int, state: str, world: AptWorld) -> None:
    world.archive.publish()
    world.server.faults.append(ArchiveFault(f"{STABLE}InRelease", drops=True, times=times))

    _, system = world.check()

    assert len(world.server.injected) == times
    assert system.state == state
    assert ("InRelease: RemoteProtocolError" in system.reason) is (times == 2)
