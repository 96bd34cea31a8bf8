"""Twenty ways in which a package of the distribution changes, each named as its cause."""

from typing import Any

import pytest

from notebake.images.updates.finding import Change
from tests.updates.apt_world import AptWorld

SECURITY, UPDATES = "tide-security", "stable-updates"
Offer = tuple[str, str, dict[str, Any]]
Expected = tuple[str, str, str]
# A package, what the image has of it ("": as recorded), what the archive offers by suite, and what
# is expected: the name, the new version, the detail.
VARIANTS: dict[str, tuple[str, str, list[Offer], Expected]] = {
    "a new upstream version": (
        "libwave", "", [("SUITE", "1.3-1", {})], ("libwave", "1.3-1", "SUITE")),
    "a new revision": ("libwave", "", [("SUITE", "1.2-2", {})], ("libwave", "1.2-2", "SUITE")),
    "a version for the release": (
        "curl", "", [("SUITE", "7.88.1-10+deb12u6", {})], ("curl", "7.88.1-10+deb12u6", "SUITE")),
    "the tenth such version": (
        "curl", "7.88.1-10+deb12u9", [("SUITE", "7.88.1-10+deb12u10", {})],
        ("curl", "7.88.1-10+deb12u10", "SUITE")),
    "a rebuild without a change": (
        "bash", "", [("SUITE", "5.2.15-2+b8", {})], ("bash", "5.2.15-2+b8", "SUITE")),
    "the tenth rebuild": (
        "bash", "5.2.15-2+b9", [("SUITE", "5.2.15-2+b10", {})], ("bash", "5.2.15-2+b10", "SUITE")),
    "the release after its candidate": (
        "fonts", "", [("SUITE", "2.0-1", {"architecture": "all", "component": "contrib"})],
        ("fonts", "2.0-1", "SUITE")),
    "the tilde gone": (
        "openssl", "", [("SUITE", "3.0.15-1", {})], ("openssl", "3.0.15-1", "SUITE")),
    "a first epoch": ("libwave", "", [("SUITE", "1:0.1-1", {})], ("libwave", "1:0.1-1", "SUITE")),
    "a second epoch": ("git", "", [("SUITE", "2:1.0-1", {})], ("git", "2:1.0-1", "SUITE")),
    "the same epoch": (
        "zlib1g", "", [("SUITE", "1:1.3.dfsg-1", {})], ("zlib1g", "1:1.3.dfsg-1", "SUITE")),
    "a package for all architectures": (
        "wave-data", "", [("SUITE", "20260101", {"architecture": "all"})],
        ("wave-data", "20260101", "SUITE")),
    "a package of a foreign architecture": (
        "libwave", "", [("SUITE", "1.2-9", {"architecture": "i386"})],
        ("libwave:i386", "1.2-9", "SUITE")),
    "a package that is no longer for all": (
        "wave-data", "", [("SUITE", "20260101", {"architecture": "amd64"})],
        ("wave-data", "20260101", "SUITE")),
    "several newer versions": (
        "git", "", [("SUITE", "1:2.40-1", {}), ("SUITE", "1:2.41-1", {})],
        ("git", "1:2.41-1", "SUITE")),
    "a version that only some machines get yet": (
        "git", "", [("SUITE", "1:2.40-1", {"Phased_Update_Percentage": "10"})],
        ("git", "1:2.40-1", "SUITE, phased to 10 %")),
    "beside an older version": (
        "git", "", [("SUITE", "1:2.40-1", {}), ("SUITE", "1:2.1-1", {})],
        ("git", "1:2.40-1", "SUITE")),
    "beside a newer one that is not automatic": (
        "git", "", [("SUITE", "1:2.40-1", {}), ("experimental", "1:9-1", {})],
        ("git", "1:2.40-1", "SUITE")),
    "beside a newer backport": (
        "git", "", [("SUITE", "1:2.40-1", {}), ("stable-backports", "1:9-1~bpo12+1", {})],
        ("git", "1:2.40-1", "SUITE")),
    "with a letter": ("tzdata", "", [("SUITE", "2024b-0+deb12u1", {"architecture": "all"})],
        ("tzdata", "2024b-0+deb12u1", "SUITE")),
}  # fmt: skip


@pytest.mark.parametrize("cause", ["security", "system"])
@pytest.mark.parametrize("variant", VARIANTS)
def test_an_update_is_named_as_its_cause(variant: str, cause: str, world: AptWorld) -> None:
    suite = SECURITY if cause == "security" else UPDATES
    package, installed, offers, (name, new, detail) = VARIANTS[variant]
    if installed:
        world.set_installed(package, installed)
    for place, version, more in offers:
        options = {"component": "main", "architecture": "amd64", **more}
        world.archive.add_package(package, version, place.replace("SUITE", suite), **options)
    world.archive.publish()

    security, system = world.check()

    changed, other = (security, system) if cause == "security" else (system, security)
    (change,) = changed.changes
    architecture = name.partition(":")[2]
    (before,) = (
        each["version"]
        for each in world.packages["packages"]
        if each["name"] == package and (each["architecture"] == "i386") == (architecture == "i386")
    )
    assert change == Change(name=name, old=before, new=new, detail=detail.replace("SUITE", suite))
    assert (changed.state, changed.reason) == ("changed", "")
    assert (other.state, other.reason, other.changes) == ("unchanged", "", ())
    assert "11 installed packages" in changed.how


def test_an_update_above_one_for_security_is_for_security_too(world: AptWorld) -> None:
    world.archive.add_package("git", "1:2.40-1", SECURITY)
    world.archive.add_package("git", "1:2.41-1", UPDATES)
    world.archive.publish()

    security, system = world.check()

    assert [(each.new, each.detail) for each in security.changes] == [("1:2.41-1", UPDATES)]
    assert system.state == "unchanged"


def test_an_update_above_an_older_one_for_security_is_not(world: AptWorld) -> None:
    world.archive.add_package("curl", "7.88.1-11", UPDATES)
    world.archive.publish()

    security, system = world.check()

    assert [each.new for each in system.changes] == ["7.88.1-11"]
    assert security.state == "unchanged"


def test_a_suite_is_for_security_by_its_codename_or_label_alone(world: AptWorld) -> None:
    for name, fields in (("stable-updates", {"Codename": "tide-security"}),
                         ("stable", {"Label": "Debian-Security"})):  # fmt: skip
        world.archive.suites[name].fields |= fields
    world.archive.add_package("git", "1:2.40-1", "stable-updates")
    world.archive.add_package("bash", "5.2.15-3", "stable")
    world.archive.publish()

    security, system = world.check()

    assert [each.name for each in security.changes] == ["bash", "git"]
    assert system.state == "unchanged"


def test_both_causes_may_change_at_once(world: AptWorld) -> None:
    world.archive.add_package("git", "1:2.40-1", SECURITY)
    world.archive.add_package("bash", "5.2.15-3", UPDATES)
    world.archive.add_package("bash", "5.2.15-3", "stable")
    world.archive.publish()

    security, system = world.check()

    assert [(each.name, each.detail) for each in security.changes] == [("git", SECURITY)]
    assert [(each.name, each.detail) for each in system.changes] == [
        ("bash", "stable, stable-updates")
    ]
