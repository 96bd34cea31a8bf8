"""A build as somebody lives with it who knows the UI alone: forms, buttons, pages."""

import os
import re
import signal

import pytest

from deployments.worker import list_children
from tests.browser.conftest import Desk
from tests.browser.person import Person

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="minutes of bakes: make test-all"
    ),
]
INSTALL = "Install the software"


def builders(desk: Desk, recipe: str) -> list[str]:
    """Return the builders that were launched for a recipe, also those that are gone."""
    filters = [
        {"Name": "tag:notebake:recipe", "Values": [recipe]},
        {"Name": "tag:notebake:role", "Values": ["builder"]},
    ]
    found = desk.cloud.ec2().describe_instances(Filters=filters)["Reservations"]
    return [each["InstanceId"] for group in found for each in group["Instances"]]


def test_a_form_bakes_and_the_pages_say_what_was_made(desk: Desk, person: Person) -> None:
    started = person.start("build", recipe_path=desk.write_recipe("autumn"))

    state = person.wait_for_end(started)

    assert state["type"] == "COMPLETED", state["message"]
    assert " accepted, " in state["message"]
    person.open(started)
    page = person.page.locator("#app").inner_text()
    assert "recipe:autumn" in page
    assert "project:fleet" in page
    assert re.search(r"^autumn-20\d{6}-\d{6}-\w+$", page, re.MULTILINE), "named by its run"
    text = person.read_artifact(started)
    assert "What was proven" in text
    assert state["message"].split()[0] in text
    assert person.page.locator("#app img[src^='data:image/']").count() >= 1


def test_a_failed_build_is_mended_and_retried(desk: Desk, person: Person) -> None:
    broken = {"manager": "pip", "packages": ["jupyterlab>9999"]}
    started = person.start("build", recipe_path=desk.write_recipe("winter", software=broken))
    state = person.wait_for_end(started)
    assert state["type"] == "FAILED"
    assert "jupyterlab" in state["message"]
    assert "To go on: press Retry" in state["message"]
    assert "press Retry" in person.read_artifact(started)

    desk.write_recipe("winter")
    person.press(started, "Retry")
    person.wait(lambda: person.state(started)["type"] != "FAILED", "the retry")
    state = person.wait_for_end(started)

    assert state["type"] == "COMPLETED", state["message"]
    assert len(builders(desk, "winter")) == 1


def test_a_cancelled_build_is_torn_down_by_its_form(desk: Desk, person: Person) -> None:
    started = person.start("build", recipe_path=desk.write_recipe("spring"))
    person.wait_until_step(started, INSTALL)

    person.press(started, "Cancel")
    person.wait_for_end(started, "CANCELLED")
    person.wait(
        lambda: "(builder, " in str(person.state(started)["message"]), "our message of the state"
    )

    run_id = next(
        tag.removeprefix("run:")
        for tag in person.api(f"/flow_runs/{started}")["tags"]
        if tag.startswith("run:")
    )
    assert f"run the deployment `tear-down` with run_id {run_id}" in person.read_artifact(started)
    removal = person.wait_for_end(person.start("tear-down", run_id=run_id))
    assert removal["message"] == f"Nothing temporary is left of run {run_id}."
    assert desk.cloud.running() == []


def test_a_suspended_build_goes_on_where_it_was(desk: Desk, person: Person) -> None:
    started = person.start("build", recipe_path=desk.write_recipe("summer"))
    person.wait_until_step(started, INSTALL)

    person.press(started, "Suspend")
    person.wait(lambda: "Paused: " in str(person.state(started)["message"]), "the pause")
    person.press(started, "Resume")
    person.wait(lambda: person.state(started)["type"] != "PAUSED", "the process to start")
    state = person.wait_for_end(started)

    assert state["type"] == "COMPLETED", state["message"]
    assert len(builders(desk, "summer")) == 1


def test_a_wrong_field_is_refused_by_the_form(desk: Desk, person: Person) -> None:
    del desk
    known = len(person.api("/flow_runs/filter", {}))
    found = person.api("/deployments/filter", {"deployments": {"name": {"any_": ["tear-down"]}}})
    person.page.goto(f"{person.url}/deployments/deployment/{found[0]['id']}/run")
    person.page.get_by_text("Parameters", exact=True).wait_for()
    person.fill("run_id", "not a run")

    person.page.get_by_role("button", name="Submit").click()

    person.page.get_by_text("run_id").nth(0).wait_for()
    person.page.wait_for_timeout(1000)
    assert "/run" in person.page.url
    assert len(person.api("/flow_runs/filter", {})) == known


def test_a_run_that_was_killed_with_its_worker_is_seen_dead_and_retried(
    desk: Desk, person: Person
) -> None:
    started = person.start("build", recipe_path=desk.write_recipe("ice"))
    person.wait_until_step(started, INSTALL)
    worker = desk.prefect.state()["workers"][0]["process"]["pid"]
    flow_runs = list_children(worker)
    assert flow_runs

    for pid in (worker, *flow_runs):
        os.kill(pid, signal.SIGKILL)
    state = person.wait_for_end(started, "CRASHED")

    assert state["message"].startswith("No sign of life for ")
    desk.prefect.start(desk.cloud.environment)
    person.press(started, "Retry")
    person.wait(lambda: person.state(started)["type"] != "CRASHED", "the retry")
    state = person.wait_for_end(started)
    assert state["type"] == "COMPLETED", state["message"]
    assert len(builders(desk, "ice")) == 1
