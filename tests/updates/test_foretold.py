"""The difference that a check foretells is the one that comes with the next bake."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from debian.debian_support import version_compare

from notebake.images.difference.compare_images import compare_images, find_run
from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.installed_packages import check_environment
from notebake.images.updates.python_packages import ask_python_packages
from notebake.recipe import Rebake
from sandbox.archives.apt_archive import AptArchive
from sandbox.archives.apt_package import AptPackage
from tests import recorded_runs as runs
from tests.update_images import current_image, place_of, store_image
from tests.updates.apt_machine import AptMachine
from tests.updates.apt_world import AptWorld, write_sources
from tests.updates.python_world import PythonWorld

SEPTEMBER = datetime(2026, 9, 1, tzinfo=UTC)
NOW = datetime(2026, 11, 1, tzinfo=UTC)
Rows = set[tuple[str, str, str | None, str | None, str]]


def rows(findings: Iterable[CauseFinding], *causes: str, with_details: bool = True) -> Rows:
    return {
        (finding.cause, each.name, each.old, each.new, each.detail if with_details else "")
        for finding in findings
        if finding.cause in causes
        for each in finding.changes
    }


def test_the_python_packages_foretold_are_those_that_came(
    python_world: PythonWorld, tmp_path: Path
) -> None:
    world, store = python_world, place_of(tmp_path)
    recipe = runs.RECIPE.model_copy(update={"software": world.software})
    before = world.bake()
    for name, version, requires in (
        ("xarray", "2026.11", ["numpy>=1", "packaging", "newcomer"]),
        ("newcomer", "1.0", []),
        ("tornado", "6.2", []),
        ("Wave_Tools", "1.5", ["numpy<3"]),
        ("papermill", "2.6.1", ["click", "traitlets"]),
    ):
        world.index.add_release(name, version, requires, uploaded_at=NOW)

    found = ask_python_packages(world.software, before)
    after = world.bake()

    ids = [
        store_image(store, recipe, files=files, image_id=image)
        for files, image in ((before, runs.IMAGE), (after, "ami-2"))
    ]
    came = compare_images(*(find_run(each, store) for each in ids)).findings
    foretold = rows((found.direct, found.transitive), "direct", "transitive")
    assert rows(came, "direct", "transitive") == foretold
    assert {(cause, name) for cause, name, *_ in foretold} == {
        *(("direct", "xarray"), ("direct", "wave-tools"), ("direct", "papermill")),
        *(("transitive", "newcomer"), ("transitive", "tide"), ("transitive", "tornado")),
    }


def test_what_a_cooldown_holds_back_does_not_come(
    python_world: PythonWorld, tmp_path: Path
) -> None:
    world, store = python_world, place_of(tmp_path)
    policy = Rebake(until="2026-10-01T00:00:00Z")
    recipe = runs.RECIPE.model_copy(update={"software": world.software, "rebake": policy})
    before = world.bake()
    world.index.add_release("xarray", "2026.9", ["numpy>=1"], uploaded_at=SEPTEMBER)
    world.index.add_release("xarray", "2026.11", ["numpy>=1"], uploaded_at=NOW)
    world.index.add_release("tornado", "6.2", [], uploaded_at=NOW)

    image = current_image(recipe, store, run_id="ocean-before", files=before)
    foretold = rows(check_environment(image, recipe), "direct", "transitive")
    world.until = recipe.packages_until or ""
    after = world.bake()

    ids = [
        store_image(store, recipe, files=files, image_id=made)
        for files, made in ((before, runs.IMAGE), (after, "ami-2"))
    ]
    came = compare_images(*(find_run(each, store) for each in ids)).findings
    assert rows(came, "direct", "transitive") == foretold
    assert ("direct", "xarray", "2025.1.0", "2026.9", "") in foretold
    assert not [name for _, name, *_ in foretold if name == "tornado"]


def newest_of(archive: AptArchive) -> list[AptPackage]:
    """Return the highest version of each package, as dpkg compares them."""
    newest: dict[tuple[str, str], AptPackage] = {}
    for suite in archive.suites.values():
        for each in suite.packages:
            known = newest.setdefault((each.name, each.architecture), each)
            if version_compare(each.version, known.version) > 0:
                newest[each.name, each.architecture] = each
    return [*newest.values()]


def test_the_system_packages_foretold_are_those_that_came(world: AptWorld, tmp_path: Path) -> None:
    store = place_of(tmp_path)
    archive = world.archive
    archive.add_package("git", "1:2.39.5-0+deb12u2", "tide-security", architecture="amd64")
    archive.add_package("bash", "5.2.15-2+b8", "stable-updates", architecture="amd64")
    archive.add_package("tzdata", "2026a-0+deb12u1", "stable-updates", architecture="all")
    archive.add_package("fonts", "2.0-1", "stable", "contrib", architecture="all")
    archive.publish()

    foretold = world.check()
    machine = AptMachine(tmp_path / "machine", architectures=("amd64", "i386"))
    machine.install(newest_of(archive))
    write_sources(machine, world.server.url, world.key)
    machine.run("apt-get", "--quiet", "update")

    before = json.dumps(world.packages).encode()
    ids = [
        store_image(store, files={"locks/apt-packages.json": lock}, image_id=image)
        for lock, image in ((before, runs.IMAGE), (machine.packages_lock(), "ami-2"))
    ]
    came = compare_images(*(find_run(each, store) for each in ids)).findings
    causes = ("security", "system")
    expected = rows(foretold, *causes, with_details=False)
    assert rows(came, *causes, with_details=False) == expected
    assert {name for cause, name, *_ in expected if cause == "security"} == {"git"}
    assert len(expected) == 4
