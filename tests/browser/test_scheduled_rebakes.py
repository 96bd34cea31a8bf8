"""A schedule of rebakes, as somebody sees it who knows the UI alone: from the first image on."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.browser.conftest import Desk
from tests.browser.person import Person
from tests.browser.schedules import Row, Scheduled, duplicate, read_artifact, read_message
from tests.browser.test_forms_and_buttons import INSTALL
from tests.sandbox.bakery import Bakery
from tests.sandbox.rebake_world import RebakeWorld, days_ago, rebake_world_opened

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="minutes of bakes: make test-all"
    ),
]
RECIPE = "seas"
RUN = re.compile(rf"{RECIPE}-20\d{{6}}-\d{{6}}-\w+")
NOTHING = f"{RECIPE}: nothing to bake"
ANOTHER = f"{RECIPE}: another rebake in progress"
UNCHANGED = ("nothing changed since {}", "changed, but not among the causes that count: tools")
"""The second one if somebody commits to notebake meanwhile."""


@dataclass
class Story:
    """What the pages show, minute by minute."""

    desk: Desk
    scheduled: Scheduled
    world: RebakeWorld

    def ended(self, name: str) -> list[Row]:
        """Return the flow runs of a name that have ended; bakes have their time in it."""
        rows = [row for row in self.scheduled.read_rows() if re.fullmatch(name, row.name)]
        return sorted((row for row in rows if row.has_ended), key=lambda row: row.name)

    def wait_for_bake(self) -> Row:
        """Wait until a flow run has begun to bake."""

        def begun() -> list[Row]:
            return [row for row in self.scheduled.read_rows() if RUN.fullmatch(row.name)]

        self.scheduled.person.wait(begun, "a bake to begin")
        return begun()[0]

    def wait_for(self, name: str, count: int) -> list[Row]:
        """Wait until so many flow runs of a name have ended, and return them."""

        def look() -> bool:
            # A page that is drawn anew all the time would take the processor from the bake.
            self.scheduled.page.wait_for_timeout(5000)
            return len(self.ended(name)) >= count

        self.scheduled.person.wait(look, f"{count} flow runs “{name}” to end")
        return self.ended(name)[:count]

    def machines(self) -> int:
        return len(self.desk.cloud.calls("RunInstances"))

    def drain(self) -> None:
        """Switch the schedule off, and wait for what is under way."""
        self.scheduled.switch_off()
        self.scheduled.person.wait(
            lambda: all(row.has_ended for row in self.scheduled.read_rows()), "the last flow run"
        )


@pytest.fixture(scope="module")
def story(desk: Desk, person: Person, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Story]:
    bakery = Bakery(desk.cloud, f"{desk.url}/api", desk.folder)
    with rebake_world_opened(bakery, Path(tmp_path_factory.mktemp("archives"))) as world:
        recipe = world.write_recipe(
            RECIPE,
            software={"manager": "pip", "packages": ["tide"]},
            rebake={"on": ["base", "security", "direct"], "cooldown_days": 0},
        )
        scheduled = duplicate(person, "update-rehearsal", RECIPE, recipe_path=str(recipe))
        story = Story(desk, scheduled, world)
        try:
            yield story
        finally:
            story.drain()


def test_a_schedule_bakes_first_then_nothing_and_then_what_has_changed(
    story: Story, person: Person
) -> None:
    story.scheduled.set_schedule(minutes=1)
    person.wait_until_step(story.wait_for_bake().id, INSTALL)
    # Besides the schedule: a fast machine may have baked before that fires again.
    person.start(RECIPE)

    (first,) = story.wait_for(RUN.pattern, 1)
    message = read_message(person, first.id)
    image, _, said = message.partition(" accepted, ")
    assert first.state == "Completed", message
    assert said == f"the first image of {RECIPE} in us-west-2; it is the current one"
    person.open(first.id)
    person.page.get_by_text(f"rebake: no image of {RECIPE} was accepted yet").wait_for()
    machines = story.machines()

    checks = story.wait_for(NOTHING, 2)
    assert story.machines() == machines > 0
    for row in checks:
        message = read_message(person, row.id)
        assert row.state == "Completed"
        assert message.startswith(tuple(each.format(image) for each in UNCHANGED)), message
    checked = read_artifact(person, checks[0].id, f"updates-of-{RECIPE}-in-us-west-2")
    assert "Direct: unchanged" in checked

    story.world.index.add_release("tide", "1.1", uploaded_at=days_ago(0))
    _, second = story.wait_for(RUN.pattern, 2)
    message = read_message(person, second.id)
    assert second.state == "Completed", message
    assert re.match(r"ami-\w+ accepted, [12] changes?: direct \(tide 1\.0 -> 1\.1\)", message), (
        message
    )
    assert message.endswith("; it is the current one")
    assert not message.startswith(image)
    assert story.machines() > machines
    difference = read_artifact(person, second.id, f"difference-of-{RECIPE}-in-us-west-2")
    assert re.search(r"tide\s+1\.0 → 1\.1", difference)
    assert "why it was baked: changed: direct (tide 1.0 -> 1.1)" in difference


def test_a_firing_while_a_bake_is_under_way_ends_at_once_and_says_why(
    story: Story, person: Person
) -> None:
    story.drain()

    rows = [person.api(f"/flow_runs/{row.id}") for row in story.ended(".*")]
    bakes = [row for row in rows if RUN.fullmatch(row["name"])]
    within = [
        row
        for row in rows
        for bake in bakes
        if bake["start_time"] < row["start_time"] and row["end_time"] < bake["end_time"]
    ]
    assert within, "one was started by hand while the first bake was under way"
    assert {row["name"] for row in within} == {ANOTHER}
    for row in within:
        message = read_message(person, row["id"])
        assert row["state"]["type"] == "COMPLETED", message
        assert message.startswith(f"another rebake of {RECIPE} in us-west-2 is in progress: proc")
    assert {row["name"] for row in rows if row not in bakes} == {NOTHING, ANOTHER}


def test_a_schedule_that_is_off_fires_no_more(story: Story, desk: Desk) -> None:
    story.drain()

    assert not story.scheduled.is_on()
    assert desk.cloud.running() == []
