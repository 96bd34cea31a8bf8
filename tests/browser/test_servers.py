"""A server as somebody lives with it who knows the UI alone: each form is filled in once."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from notebake.aws import tags
from sandbox.ec2.state.base_images import RELEASES, image_id
from tests.browser.conftest import Desk
from tests.browser.person import Person
from tests.sandbox.bake_world import REGION

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(
        not os.environ.get("NOTEBAKE_TEST_ALL"), reason="a browser's minutes: make test-all"
    ),
]


def servers(desk: Desk, name: str) -> list[tuple[str, str]]:
    """Return id and state of the machines of a server that are not gone."""
    wanted = [{"Name": f"tag:{tags.SERVER}", "Values": [name]}]
    found = desk.cloud.ec2().describe_instances(Filters=wanted)["Reservations"]
    machines = [each for group in found for each in group["Instances"]]
    shown = [(each["InstanceId"], each["State"]["Name"]) for each in machines]
    return [(machine, state) for machine, state in shown if state != "terminated"]


def new_key(folder: Path) -> str:
    """Make a key as a person does, and return the line that is pasted."""
    path = folder / "id_ed25519"
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "ada@laptop", "-f", str(path)]
    subprocess.run(command, check=True)
    return path.with_suffix(".pub").read_text().strip()


def ended(person: Person, deployment: str, **fields: str) -> tuple[str, str]:
    """Fill in a form, and return the flow run and the message of its last state."""
    flow_run = person.start(deployment, **fields)
    state = person.wait_for_end(flow_run)
    assert state["type"] == "COMPLETED", state["message"]
    return flow_run, state["message"]


def test_a_server_is_started_kept_stopped_and_terminated_by_its_forms(
    desk: Desk, person: Person, tmp_path: Path
) -> None:
    image, key = image_id(RELEASES[0], REGION), new_key(tmp_path)

    started, message = ended(
        person, "start", image=image, name="delta", owner="ada", public_key=key
    )
    assert re.match(r"delta of ada runs at [\d.]+, \$0\.\d{3} an hour, .*stops by itself ", message)
    ((machine, state),) = servers(desk, "delta")
    assert state == "running"
    person.open(started)
    page = person.page.locator("#app").inner_text()
    assert "server:delta" in page
    assert re.search(r"^start delta$", page, re.MULTILINE)
    assert f"delta of ada: {machine}, t3.large in " in person.read_artifact(started)

    listed, message = ended(person, "servers")
    assert "1 running" in message
    assert "delta" in person.read_artifact(listed)

    kept, message = ended(person, "keep", name="delta", hours="2")
    assert message.startswith("delta of ada stops neither ")
    assert "kept until" in person.read_artifact(kept)

    _, message = ended(person, "stop", name="delta")
    assert "is stopped: its disks stay" in message
    assert servers(desk, "delta") == [(machine, "stopped")]

    _, message = ended(person, "terminate", name="delta")
    assert "Nothing was removed" in message
    assert servers(desk, "delta") == [(machine, "stopped")]
    removed = person.wait_for_end(person.start("terminate", "apply", name="delta"))
    assert removed["message"] == f"delta of ada ({machine}) is terminated."
    assert servers(desk, "delta") == []


def test_a_new_server_without_a_key_says_which_field_is_missing(desk: Desk, person: Person) -> None:
    flow_run = person.start("start", image=image_id(RELEASES[0], REGION), name="epsilon")

    state = person.wait_for_end(flow_run)

    assert state["type"] == "FAILED"
    assert "Fill in the field `public_key`" in state["message"]
    assert servers(desk, "epsilon") == []
