"""Prefect's own blocks send notices that say what, where, what it costs and what to press."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from deployments.automations import install
from deployments.notice_kinds import LATE_SECONDS, NAMES, automations
from deployments.notices import find_block
from flows.notices import APPROVAL_WANTED, IMAGE_RETIRING, MACHINE_EXPIRED
from tests.notices.notice_world import BLOCK, SECRET, Prefect, Receiver, mail_server_started
from tests.sandbox.bake_world import wait_for

ANNOUNCE = """
import json, sys
from flows.notices import announce
given = json.loads(sys.argv[1])
announce(given.pop("event"), given.pop("about"), **given)
"""
LEFT = "No room for m6i.large.\nLeft: instance i-1 in us-west-2, $0.09 an hour, ends in 2 h."


def announce(server: Prefect, event: str, about: str, **parts: Any) -> None:
    done = server.run("-c", ANNOUNCE, json.dumps({"event": event, "about": about, **parts}))
    assert done.returncode == 0, done.stderr


def test_a_failure_is_told_once_with_what_is_left_and_what_to_press(
    server: Prefect, receiver: Receiver
) -> None:
    failing, other = server.start(), server.start()

    for _ in range(3):
        server.set_state(failing, "FAILED", "Failed", LEFT)
    server.set_state(server.start_alone(), "FAILED", "Failed", "seen in a terminal")
    server.set_state(other, "CRASHED", "Crashed", "The process was killed.")

    first, second = sorted(receiver.wait_for(2), key=lambda notice: notice["subject"])
    assert second["subject"].startswith("Failed: update-ocean-")
    assert LEFT in second["text"]
    assert f"{server.url}/runs/flow-run/{failing}" in second["text"]
    assert "press Retry" in second["text"]
    assert first["subject"].startswith("Crashed: update-ocean-")
    assert "The process was killed." in first["text"]
    assert len(receiver.notices) == 2
    assert "hunter2" not in json.dumps(receiver.notices), "no parameter of a flow run"


def test_what_a_flow_announces_is_told_once(server: Prefect, receiver: Receiver) -> None:
    about = f"us-west-2-{uuid4().hex[:6]}"
    expired = {
        "subject": "2 resources beyond the lease, and still there: $70.08 a month",
        "lines": ["instance i-1 in us-west-2, run ocean-1, $70.08 a month", "AKIAIOSFODNN7EXAMPLE"],
        "press": "run the deployment `sweep` with apply",
    }
    announce(server, MACHINE_EXPIRED, about, **expired)
    receiver.wait_for(1)
    announce(server, MACHINE_EXPIRED, about, **expired)
    many = [f"ami-{number}" for number in range(300)]
    announce(server, IMAGE_RETIRING, about, subject="300 images", lines=many, press="run `prune`")

    machine, image = receiver.wait_for(2)
    assert machine["subject"] == expired["subject"]
    assert machine["text"] == (
        "instance i-1 in us-west-2, run ocean-1, $70.08 a month\n[redacted]\n"
        "To do: run the deployment `sweep` with apply"
    )
    assert image["text"].splitlines()[-2:] == ["and 280 more lines", "To do: run `prune`"]


def test_an_approval_is_told_with_its_form(server: Prefect, receiver: Receiver) -> None:
    flow_run = server.start()
    event = {
        "event": APPROVAL_WANTED,
        "occurred": datetime.now(UTC).isoformat(),
        "resource": {
            "prefect.resource.id": f"notebake.approval.{uuid4().hex}",
            "prefect.resource.name": "bake ocean in us-west-2",
        },
        "related": [
            {
                "prefect.resource.id": f"prefect.flow-run.{flow_run}",
                "prefect.resource.role": "flow-run",
            }
        ],
        "payload": {"text": "May we bake ocean in us-west-2? $0.31 at most."},
        "id": str(uuid4()),
    }
    server.ask("POST", "/events", [event])

    (notice,) = receiver.wait_for(1)
    assert notice["subject"] == "Approval wanted: bake ocean in us-west-2"
    assert notice["text"].startswith("May we bake ocean in us-west-2? $0.31 at most.")
    assert f"press Resume, and fill in the form. Its page: {server.url}" in notice["text"]


def test_a_flow_run_that_no_worker_takes_is_told(server: Prefect, receiver: Receiver) -> None:
    every = automations(find_block(server.url, BLOCK), server.url)
    (late,) = [each for each in every if "begin" in each["name"]]
    assert late["trigger"]["within"] == LATE_SECONDS
    install(server.url, {**late, "trigger": {**late["trigger"], "within": 15}})
    pool = {"name": f"dead-{uuid4().hex[:4]}", "type": "process"}
    server.ask("POST", "/work_pools/", pool)
    taken = server.start("taken", work_pool_name=pool["name"])
    waiting = server.start("waiting", work_pool_name=pool["name"])
    before = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    for flow_run in (waiting, taken):
        state = {"type": "SCHEDULED", "name": "Late", "state_details": {"scheduled_time": before}}
        path = f"/flow_runs/{flow_run}/set_state"
        server.ask("POST", path, {"state": state, "force": True})
    server.set_state(taken, "RUNNING", "Running")

    (notice,) = receiver.wait_for(1)

    assert notice["subject"].startswith("Does not begin: waiting-")
    assert "whether a worker is alive" in notice["text"]
    assert f"/runs/flow-run/{waiting}" in notice["text"]


def test_a_notice_may_be_a_mail(server: Prefect, receiver: Receiver) -> None:
    with mail_server_started() as (port, received):
        address = f"mailto://127.0.0.1:{port}/?from=bake@lab.example&to=ada@lab.example"
        server.make_block("slack-webhook/mail", url=f"{address}&mode=insecure")
        assert server.notices("slack-webhook/mail").returncode == 0

        server.set_state(server.start(), "FAILED", "Failed", LEFT)

        wait_for(lambda: received, "the mail")
    (mail,) = received
    assert mail["Subject"].startswith("Failed: update-ocean-")
    assert (mail["From"], mail["To"]) == ("bake@lab.example", "ada@lab.example")
    body = mail.get_body(("plain",))
    assert body
    assert "press Retry" in body.get_content()
    assert receiver.notices == []


def test_notices_are_installed_once_and_removed(server: Prefect, receiver: Receiver) -> None:
    assert server.notices(BLOCK).stdout == f"{len(NAMES)} kinds of notices are sent by {BLOCK}.\n"
    wanted = {"automations": {"name": {"any_": [*NAMES]}}}
    found = server.ask("POST", "/automations/filter", wanted)
    assert sorted(each["name"] for each in found) == sorted(NAMES)
    assert SECRET not in json.dumps(found)

    server.notices(BLOCK, "--shown", "https://prefect.lab.example/")
    bodies = str(server.ask("POST", "/automations/filter", wanted))
    assert "https://prefect.lab.example/runs/flow-run/" in bodies
    assert f"{server.url}/runs" not in bodies

    done = server.notices("--remove")

    assert done.stdout == f"{len(NAMES)} automations were removed.\n"
    assert server.ask("POST", "/automations/filter", wanted) == []
    server.set_state(server.start(), "FAILED", "Failed", "nobody is told")
    assert receiver.notices == []


def test_a_trial_is_sent_at_once(server: Prefect, receiver: Receiver) -> None:
    done = server.notices(BLOCK, "--try")

    assert done.returncode == 0, done.stderr
    (notice,) = receiver.wait_for(1)
    assert notice == {"subject": "A trial", "text": "Notices of notebake come here."}


def test_a_trial_that_is_refused_does_not_show_the_address(server: Prefect) -> None:
    server.make_block("custom-webhook/gone", name="gone", url=f"{server.url}/api/{SECRET}")

    done = server.notices("custom-webhook/gone", "--try")

    assert done.returncode == 1
    said = "The block custom-webhook/gone did not send it: HTTP 404."
    assert done.stderr.splitlines()[0] == said
    assert SECRET not in done.stderr


@pytest.mark.parametrize(
    ("block", "why"),
    [
        ("custom-webhook/nobody", "The server has no block custom-webhook/nobody."),
        ("lab", "'lab' names no block."),
        ("secret/token", "The block secret/token sends no notices."),
    ],
)
def test_what_is_no_block_for_notices_is_refused(
    server: Prefect, receiver: Receiver, block: str, why: str
) -> None:
    if block.startswith("secret"):
        server.run(
            "-c", "from prefect.blocks.system import Secret; Secret(value='x').save('token')"
        )
    done = server.notices(block)

    assert done.returncode == 1
    assert done.stderr.startswith(why)
    assert "prefect block ls" in done.stderr
    assert receiver.notices == []
