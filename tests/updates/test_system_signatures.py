"""Only what is signed with a key that the image trusts, and is still valid, is believed."""

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notebake.apt.sources import fingerprints
from notebake.images.updates.archives import keyrings
from notebake.images.updates.system_packages import NO_PREFERENCES
from sandbox.archives.server import ArchiveFault
from sandbox.archives.signing_key import SigningKey
from tests.updates.apt_world import AptWorld, newer_everywhere


@pytest.mark.parametrize(
    ("made_at", "valid", "expected"),
    [
        (timedelta(days=-9), timedelta(days=7), "was valid until"),
        (timedelta(hours=-2), timedelta(hours=1), "was valid until"),
        (timedelta(days=2), timedelta(days=7), "in the future"),
    ],
)
def test_a_release_out_of_date_is_not_believed(
    made_at: timedelta, valid: timedelta, expected: str, world: AptWorld
) -> None:
    newer_everywhere(world)
    world.archive.publish(made_at=datetime.now(UTC) + made_at, valid=valid)

    for finding in world.check():
        assert (finding.state, finding.changes) == ("not checked", ())
        assert expected in finding.reason


def test_an_image_that_does_not_check_the_date_need_not(world: AptWorld) -> None:
    newer_everywhere(world)
    world.archive.publish(made_at=datetime.now(UTC) - timedelta(days=9))
    world.change_sources("Components: main contrib", "Check-Valid-Until: no\\nComponents: main")
    lines = world.sources["sources"]
    world.sources["sources"] = {
        path: [part for line in lines[path] for part in line.split("\n")] for path in lines
    }

    assert [finding.state for finding in world.check()] == ["changed", "changed"]


def test_an_unsigned_archive_is_not_believed(world: AptWorld) -> None:
    newer_everywhere(world)
    world.archive.key = None
    world.archive.publish()

    for finding in world.check():
        assert finding.state == "not checked"
        assert "Release.gpg: 404 Not Found" in finding.reason


def test_an_unsigned_archive_is_asked_if_the_image_trusts_it_so(world: AptWorld) -> None:
    newer_everywhere(world)
    world.archive.key = None
    world.archive.publish()
    suites = " ".join(world.archive.suites)
    lines = [f"deb [trusted=yes] {world.server.url} {suite} main" for suite in suites.split()]
    world.sources["sources"] = {"/etc/apt/sources.list": lines}

    security, system = world.check()

    assert [security.state, system.state] == ["changed", "changed"]
    assert "which the image trusts unsigned" in system.how


def test_a_signature_beside_the_release_counts_too(world: AptWorld) -> None:
    newer_everywhere(world)
    world.archive.publish()
    world.server.faults.append(ArchiveFault("*/InRelease", status=404))

    assert [finding.state for finding in world.check()] == ["changed", "changed"]


def test_the_key_of_another_is_not_believed(world: AptWorld) -> None:
    newer_everywhere(world)
    with SigningKey("another@localhost") as other:
        world.archive.key = other
        world.archive.publish()

        for finding in world.check():
            assert finding.state == "not checked"
            assert "signed with a key that the image does not trust" in finding.reason


def test_only_the_key_counts_that_the_source_names(world: AptWorld) -> None:
    with SigningKey("another@localhost") as other:
        both = world.key.public + other.public
        (ring,) = world.sources["keyrings"]
        ring["content"] = base64.b64encode(both).decode()
        ring["fingerprints"] = list(fingerprints(both))
        ring["path"] = "/etc/apt/trusted.gpg.d/both.gpg"
        (wanted,) = fingerprints(other.public)
        old = next(iter(world.sources["sources"].values()))
        (signed,) = {line for line in old if line.startswith("Signed-By")}
        world.change_sources(signed, f"Signed-By: {wanted}")
        world.archive.publish()

        before = world.check()
        world.archive.key = other
        world.archive.publish()
        after = world.check()

    assert [finding.state for finding in before] == ["not checked", "not checked"]
    assert "does not trust" in before[0].reason
    assert [finding.state for finding in after] == ["unchanged", "unchanged"]


@pytest.mark.parametrize("has_key", [True, False])
def test_an_older_run_needs_a_keyring_of_this_computer(
    *, has_key: bool, world: AptWorld, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    newer_everywhere(world)
    world.archive.publish()
    (ring,) = world.sources["keyrings"]
    del ring["content"]
    world.sources |= {"format": 1}
    del world.sources["preferences"], world.sources["mirrors"]
    if has_key:
        (tmp_path / "own.asc").write_text(world.key.armoured)
    (tmp_path / "broken.gpg").write_bytes(b"no key")
    monkeypatch.setattr(keyrings, "OWN_FOLDERS", (str(tmp_path),))

    states = [finding.state for finding in world.check()]
    assert NO_PREFERENCES in world.check()[1].how or not has_key

    assert states == (["changed"] * 2 if has_key else ["not checked"] * 2)
    if not has_key:
        assert "only the fingerprints" in world.check()[0].reason


def test_without_gpgv_nothing_is_believed(world: AptWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    world.archive.publish()
    monkeypatch.setenv("PATH", "/nowhere")

    for finding in world.check():
        assert finding.state == "not checked"
        assert "gpgv is not installed on this computer" in finding.reason
