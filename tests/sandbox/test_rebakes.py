"""Rebakes on real hosts: nothing changed, then a package; the cooldown; the difference foretold."""

import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from tests.sandbox.bake_world import Call
from tests.sandbox.bakery import Bakery
from tests.sandbox.rebake_world import RebakeWorld, days_ago

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="minutes of bakes: make test-all"
    ),
]
POLICY = {
    "on": ["base", "security", "direct", "repository"],
    "cooldown_days": 7,
    "cooldown_except": ["Tide"],
}
Rows = set[tuple[str, str, str | None, str | None]]


@dataclass
class Story:
    """What three updates of one image said, the second of them after its sources had changed."""

    bakery: Bakery
    images: list[str] = field(default_factory=list)
    states: list[tuple[str, str]] = field(default_factory=list)
    calls: list[list[Call]] = field(default_factory=list)
    """Those of each update."""
    checks: list[dict[str, Any]] = field(default_factory=list)
    """What a check said before each."""
    difference: dict[str, Any] = field(default_factory=dict)

    def update(self, recipe: Path) -> None:
        self.checks.append(json.loads(self.bakery.notebake("check", str(recipe), "--json").printed))
        before = len(self.bakery.cloud.all_calls())
        self.states.append(self.bakery.update(recipe, promote=True))
        self.calls.append(self.bakery.cloud.all_calls()[before:])
        (current,) = [each["image_id"] for each in self.listed() if each["is_current"]]
        self.images.append(current)

    def listed(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]]
        found = json.loads(self.bakery.notebake("images", "--json").printed)["images"]
        return found


@pytest.fixture(scope="module")
def story(bakery: Bakery, rebake_world: RebakeWorld) -> Story:
    """Bake by hand, update; change what the image is made of, update, and update again."""
    address = bakery.cloud.serve("gulf", {"README.md": "# Gulf\n"}, bakery.folder / "gulf")
    recipe = rebake_world.write_recipe(
        "gulf",
        software={"manager": "pip", "packages": ["tide", "foam"]},
        repository={"url": address, "ref": "main"},
        rebake=POLICY,
    )
    done = bakery.notebake("build", str(recipe))
    assert done.exit_code == 0, done.printed
    story = Story(bakery)
    (first,) = [each for each in story.listed() if each["recipe"] == "gulf"]
    promoted = bakery.notebake("promote", first["image_id"])
    assert promoted.exit_code == 0, promoted.printed
    story.update(recipe)

    rebake_world.index.add_release("tide", "1.1", uploaded_at=days_ago(0))
    rebake_world.index.add_release("foam", "1.1", ["spray"], uploaded_at=days_ago(20))
    rebake_world.index.add_release("foam", "1.2", uploaded_at=days_ago(0))
    rebake_world.index.add_release("spray", "0.3", uploaded_at=days_ago(20))
    rebake_world.archive.add_package("wave", "1.0-1+sec1", "tide-security")
    rebake_world.archive.publish()
    bakery.cloud.serve("gulf", {"README.md": "# The gulf\n"}, bakery.folder / "gulf")
    story.update(recipe)
    runs = sorted(path.name for path in bakery.store.glob("gulf-*"))
    story.difference = json.loads(bakery.notebake("diff", *runs, "--json").printed)
    story.update(recipe)
    return story


def rows(document: dict[str, Any]) -> Rows:
    return {
        # A check says whether a ref is a branch or a tag, which a run does not keep.
        (finding["cause"], change["name"].removeprefix("branch "), change["old"], change["new"])
        for finding in document["findings"]
        # Others may commit to notebake meanwhile.
        if finding["cause"] != "tools"
        for change in finding["changes"]
    }


def made(calls: list[Call]) -> list[str]:
    """Return the calls that made an image; a dry run has made none."""
    return [
        call["action"] for call in calls if call["action"] == "CreateImage" and call["code"] == "OK"
    ]


def test_an_update_of_an_unchanged_image_makes_no_machine(story: Story) -> None:
    name, message = story.states[0]

    assert (name, message.partition(" since ")[0]) == ("Completed", "nothing changed")
    actions = [call["action"] for call in story.calls[0]]
    assert 0 < len(actions) <= 20
    assert [each for each in actions if not each.startswith(("Describe", "Get"))] == []
    evidence = Path(message.rpartition("Kept as ")[2])
    assert json.loads(evidence.read_text())["image_id"] == story.images[0]


def test_the_difference_foretold_is_the_one_that_came(story: Story) -> None:
    foretold, came = rows(story.checks[1]), rows(story.difference)

    assert came == foretold
    assert {(cause, name) for cause, name, _, _ in came} == {
        ("direct", "tide"),
        ("direct", "foam"),
        ("transitive", "spray"),
        ("security", "wave"),
        ("repository", "main"),
    }


def test_the_cooldown_held_back_what_was_too_new(story: Story) -> None:
    came = {name: new for _, name, _, new in rows(story.difference)}

    assert (came["foam"], came["tide"]) == ("1.1", "1.1"), "tide is exempt from waiting"
    (direct,) = [each for each in story.checks[1]["findings"] if each["cause"] == "direct"]
    (held_back,) = direct["held_back"]
    assert (held_back["name"], held_back["new"]) == ("foam", "1.2")
    assert held_back["detail"].startswith("0 days old (")
    for _, message in story.states[1:]:
        assert "held back: foam 1.2, 0 days old (" in message


def test_the_message_says_what_differs_and_the_pointer_moved(story: Story) -> None:
    name, message = story.states[1]

    assert name == "Completed"
    assert message.startswith(f"{story.images[1]} accepted, ")
    assert "changes: direct (2 packages), security (wave 1.0-1 -> 1.0-1+sec1), " in message
    assert message.endswith("; it is the current one")
    assert story.images[1] != story.images[0]
    assert made(story.calls[1]) == ["CreateImage"]


def test_after_a_rebake_nothing_is_left_to_update(story: Story) -> None:
    name, message = story.states[2]

    assert (name, rows(story.checks[2])) == ("Completed", set())
    assert message.startswith((f"nothing changed since {story.images[1]}; ", "changed, but not"))
    assert story.images[2] == story.images[1]
    assert made(story.calls[2]) == []
