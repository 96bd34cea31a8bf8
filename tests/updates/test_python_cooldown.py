"""Releases that are not old enough yet: held back, and never a reason to go back."""

from datetime import UTC, datetime, timedelta

import pytest

from notebake import clock
from sandbox.archives.server import ArchiveFault
from tests.updates.python_world import PythonWorld, shown

CUT = datetime(2026, 11, 20, tzinfo=UTC)
BEFORE, AFTER = CUT - timedelta(days=3), CUT + timedelta(days=3)


@pytest.fixture(autouse=True)
def _four_days_later(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", (AFTER + timedelta(days=4, hours=2)).timestamp)


def test_what_is_too_new_is_held_back(python_world: PythonWorld, baked: dict[str, bytes]) -> None:
    add = python_world.index.add_release
    add("tide", "1.0", uploaded_at=BEFORE)
    add("tide", "1.1", uploaded_at=AFTER)
    add("click", "8.2", uploaded_at=AFTER)
    add("pip", "26", uploaded_at=AFTER)

    found = python_world.ask(python_world.locks(baked), exclude_newer=CUT)

    assert shown(found) == (set(), {("tide", "0.9.1", "1.0")})
    assert {(each.name, each.old, each.new) for each in found.held_back} == {
        ("tide", "1.0", "1.1"),
        ("click", "8.1", "8.2"),
        ("pip", "24.0", "26"),
    }
    assert {each.detail for each in found.held_back} == {"4 days old (2026-11-23)"}
    assert found.direct.state == "unchanged"


def test_what_only_follows_from_a_held_release_is_not_held_back(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    add = python_world.index.add_release
    add("old-salt", "0.3", uploaded_at=BEFORE)
    add("Wave_Tools", "1.5", ["numpy<3", "old-salt"], uploaded_at=AFTER)

    found = python_world.ask(python_world.locks(baked), exclude_newer=CUT)

    assert [(each.name, each.new) for each in found.held_back] == [("wave-tools", "1.5")]


def test_an_index_that_does_not_say_when_leaves_it_at_the_date(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    world = python_world
    world.index.add_release("click", "8.2", uploaded_at=AFTER)
    before = len(world.server.requested)
    world.ask(world.locks(baked), exclude_newer=CUT)
    # uv asks first; then the page is asked for once more.
    by_uv = world.server.requested[before:].count("/simple/click/") - 1
    world.server.requested.clear()
    world.server.faults.append(ArchiveFault("/simple/click/", status=503, after=by_uv))

    found = world.ask(world.locks(baked), exclude_newer=CUT)

    assert world.server.injected == ["/simple/click/"]
    assert [each.detail for each in found.held_back] == ["uploaded after 2026-11-20"]


def test_a_package_may_be_excepted(python_world: PythonWorld, baked: dict[str, bytes]) -> None:
    python_world.index.add_release("tide", "1.1", uploaded_at=AFTER)
    python_world.index.add_release("click", "8.2", uploaded_at=AFTER)
    allowed = {"tide": AFTER + timedelta(days=1)}

    found = python_world.ask(python_world.locks(baked), exclude_newer=CUT, exceptions=allowed)

    assert shown(found) == (set(), {("tide", "0.9.1", "1.1")})
    assert [each.name for each in found.held_back] == ["click"]


def test_without_a_date_nothing_is_held_back(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    python_world.index.add_release("tide", "1.1", uploaded_at=AFTER)

    found = python_world.ask(python_world.locks(baked))

    assert shown(found) == (set(), {("tide", "0.9.1", "1.1")})
    assert found.held_back == ()


@pytest.mark.parametrize("has_more", [False, True])
def test_what_the_image_has_already_is_never_made_older(
    *, has_more: bool, python_world: PythonWorld
) -> None:
    add = python_world.index.add_release
    add("numpy", "2.2", ["blas-lib>=0.4"], uploaded_at=AFTER)
    add("blas-lib", "0.4", uploaded_at=AFTER)
    locks = python_world.bake()
    assert b"numpy==2.2" in locks["locks/requirements.txt"]
    if has_more:
        add("numpy", "2.3", ["blas-lib>=0.4"], uploaded_at=AFTER)
        add("tide", "1.0", uploaded_at=BEFORE)

    found = python_world.ask(locks, exclude_newer=CUT)

    assert shown(found) == (set(), {("tide", "0.9.1", "1.0")} if has_more else set())
    assert [(each.name, each.old, each.new) for each in found.held_back] == (
        [("numpy", "2.2", "2.3")] if has_more else []
    )


def test_what_is_withdrawn_is_made_older_with_a_date_too(python_world: PythonWorld) -> None:
    add = python_world.index.add_release
    add("numpy", "2.2", ["blas-lib"], uploaded_at=AFTER)
    locks = python_world.bake()
    python_world.index.remove("numpy", "2.2")

    found = python_world.ask(locks, exclude_newer=CUT)

    assert shown(found)[0] == {("numpy", "2.2", "2.1.0")}


def test_an_index_without_dates_cannot_be_asked_up_to_one(
    python_world: PythonWorld, baked: dict[str, bytes]
) -> None:
    for page in (python_world.server.folder / "simple").rglob("index.json"):
        page.unlink()

    found = python_world.ask(python_world.locks(baked), exclude_newer=CUT)

    assert found.direct.state == found.transitive.state == "not checked"
