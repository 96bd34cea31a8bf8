"""What a cooldown holds back is told beforehand, and what is exempt from it comes at once."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from notebake import clock
from notebake.images.updates.installed_packages import check_environment
from notebake.preflight.cooldown import check_cooldown
from notebake.preflight.finding import CheckResult
from notebake.recipe import Rebake, Recipe
from tests import recorded_runs as runs
from tests.update_images import current_image, place_of, store_image
from tests.updates.python_world import PythonWorld

TODAY = datetime(2026, 11, 30, 12, tzinfo=UTC)
NEW = TODAY - timedelta(days=3)


@pytest.fixture(autouse=True)
def _today(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", TODAY.timestamp)


def recipe_of(world: PythonWorld, **policy: object) -> Recipe:
    rebake = Rebake.model_validate(policy)
    return runs.RECIPE.model_copy(update={"software": world.software, "rebake": rebake})


def test_a_plan_names_what_a_rebake_would_hold_back(
    python_world: PythonWorld, baked: dict[str, bytes], tmp_path: Path
) -> None:
    recipe, place = recipe_of(python_world), place_of(tmp_path)
    assert [*check_cooldown(recipe, place)] == [], "there is no image yet"
    locks = python_world.locks(baked)
    store_image(place, recipe, files=locks, accepted="2026-10-01T12:00:00+00:00")
    python_world.index.add_release("numpy", "2.2", ["blas-lib"], uploaded_at=NEW)

    found = [*check_cooldown(recipe, place)]

    assert [(each.verdict, each.sentence) for each in found] == [
        (
            CheckResult.GOOD,
            "A rebake would hold back: numpy 2.2, 3 days old (2026-11-27); a build by hand"
            " installs it",
        )
    ]
    by_hand = recipe.model_copy(update={"rebake": None})
    assert [*check_cooldown(by_hand, place)] == []


def test_a_plan_says_if_that_cannot_be_asked(python_world: PythonWorld, tmp_path: Path) -> None:
    recipe, place = recipe_of(python_world), place_of(tmp_path)
    store_image(place, recipe, accepted="2026-10-01T12:00:00+00:00")

    found = [*check_cooldown(recipe, place)]

    assert [each.verdict for each in found] == [CheckResult.NOT_CHECKED]
    assert "the run kept no requirements.txt" in found[0].sentence


def test_what_is_exempt_comes_at_once(python_world: PythonWorld, tmp_path: Path) -> None:
    world, place = python_world, place_of(tmp_path)
    before = world.bake()
    world.index.add_release("Wave_Tools", "1.5", ["numpy<3", "tide"], uploaded_at=NEW)
    world.index.add_release("tornado", "6.2", [], uploaded_at=NEW)
    recipe = recipe_of(
        world, until="2026-11-23T00:00:00Z", cooldown_except=["wave.tools", "not-there"]
    )

    image = current_image(recipe, place, files=before)
    direct, transitive = check_environment(image, recipe)

    assert [(each.name, each.new) for each in direct.changes] == [("wave-tools", "1.5")]
    assert (transitive.changes, [each.name for each in transitive.held_back]) == ((), ["tornado"])
    world.until, world.at_once = recipe.packages_until or "", recipe.packages_at_once
    after = world.bake()["locks/requirements.txt"]
    assert b"wave-tools==1.5" in after
    assert b"tornado==6.1" in after
