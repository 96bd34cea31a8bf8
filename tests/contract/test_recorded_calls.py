"""What the ledger has of a run's calls, held against the log of the cloud that answered them."""

import json

import pytest

from notebake.aws.clients import connect
from notebake.errors import CloudError
from notebake.ledger.attempt import Attempt
from notebake.ledger.chain import Writer
from notebake.ledger.entry import Entry
from notebake.ledger.kinds import ANSWERED, BEGAN, SENT, UNANSWERED
from notebake.ledger.verify import verify_run
from notebake.machines import ssh_access
from notebake.runs.attempt_store import list_attempts
from notebake.runs.attempts import close_as_removed
from notebake.runs.executing import executing
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.runs.run_record import record_place, recording_run, run_record
from notebake.runs.secret_store import read_secret
from tests.cloud_steps import carry_out_to, undo_all
from tests.cloud_world import RECIPE, REGION, CloudWorld
from tests.kills.record_check import changes_something

WRITER = Writer(who="p-ada", execution="e-1")


@pytest.fixture
def run(world: CloudWorld) -> Run:
    return world.new_run(RECIPE.model_copy(update={"tags": {"owner": "ada@example.org"}}))


def entries(run: Run, kind: str) -> list[Entry]:
    return [entry for entry in run_record(run).chain.entries() if entry.kind == kind]


def stored_text(run: Run) -> str:
    place = record_place(run.store)
    keys = place.store.list(f"{place.prefix}{run.id}/")
    return "".join(stored.content.decode() for stored in place.store.read_all(keys))


def test_each_call_that_changes_something_is_sent_and_answered(world: CloudWorld, run: Run) -> None:
    with recording_run(run, WRITER):
        carry_out_to(run, "wait_for_image")
        undo_all(run)

    changing = [call for call in world.sandbox.calls() if changes_something(call)]
    sent = [entry.body["call"] for entry in entries(run, SENT)]
    assert sent == [call.invocation for call in changing]
    assert [entry.body["request"] for entry in entries(run, ANSWERED)] == [
        call.request for call in changing
    ]
    operations = {entry.body["operation"] for entry in entries(run, SENT)}
    assert operations >= {"ImportKeyPair", "RunInstances", "CreateImage", "TerminateInstances"}
    assert verify_run(record_place(run.store), run.id).findings == ()


def test_no_secret_and_no_person_stands_in_an_entry(run: Run) -> None:
    with recording_run(run, WRITER):
        carry_out_to(run, "launch_instance")

    text = stored_text(run)
    launch = next(
        entry for entry in entries(run, SENT) if entry.body["operation"] == "RunInstances"
    )
    parameters = launch.body["parameters"]
    key = read_secret(run, "builder")
    assert key
    assert key.splitlines()[1] not in text
    assert "ada@example.org" not in text
    assert "198.51.100.7" not in text
    assert parameters["UserData"].startswith("sha256:")
    assert parameters["InstanceType"] == "m5.large"
    tags = parameters["TagSpecifications"][0]["Tags"]
    assert {"Key": "notebake:run", "Value": run.id} in tags
    assert [tag["Value"][:7] for tag in tags if tag["Key"] == "owner"] == ["sha256:"]


def test_the_recipe_is_recorded_without_what_may_name_people(run: Run) -> None:
    with executing(run):
        pass

    (began,) = entries(run, BEGAN)
    assert began.body["recipe"]["name"] == "ocean"
    assert began.body["recipe"]["tags"]["owner"].startswith("sha256:")
    assert "ada@example.org" not in stored_text(run)


def test_a_refusal_is_recorded_with_its_code(world: CloudWorld, run: Run) -> None:
    world.sandbox.fail("refuse", action="ImportKeyPair", code="UnauthorizedOperation")

    with recording_run(run, WRITER), pytest.raises(CloudError):
        ssh_access.ensure_key_pair(run, "builder")

    (answered,) = entries(run, ANSWERED)
    assert answered.body["error"] == "UnauthorizedOperation"
    assert answered.body["may_have_happened"] is False
    assert [attempt.state for attempt in list_attempts(run)] == ["refused"]


def test_a_call_without_an_answer_stays_open(world: CloudWorld, run: Run) -> None:
    fault = world.sandbox.fail("lose_before", action="ImportKeyPair")

    with recording_run(run, WRITER), pytest.raises(CloudError):
        ssh_access.ensure_key_pair(run, "builder")

    assert world.sandbox.fired(fault)
    (sent,), (unanswered,) = entries(run, SENT), entries(run, UNANSWERED)
    assert unanswered.body == {"call": sent.body["call"], "error": "ConnectionClosedError"}
    assert [attempt.state for attempt in list_attempts(run)] == ["open"]


def test_a_refusal_after_a_lost_answer_leaves_open_what_happened(
    world: CloudWorld, run: Run
) -> None:
    fault = world.sandbox.fail("lose_after", action="ImportKeyPair", times=1)

    with recording_run(run, WRITER):
        made = ssh_access.ensure_key_pair(run, "builder")

    assert world.sandbox.fired(fault) == 1
    (answered,) = entries(run, ANSWERED)
    assert answered.body["error"] == "InvalidKeyPair.Duplicate"
    assert answered.body["may_have_happened"] is True
    (attempt,) = list_attempts(run)
    assert (attempt.state, attempt.made) == ("made", (made.id,))


def test_what_only_asks_is_no_entry(run: Run) -> None:
    ec2 = connect("ec2", REGION)
    with recording_run(run, WRITER):
        ec2.describe_instances()
        with pytest.raises(ec2.exceptions.ClientError, match="DryRunOperation"):
            ec2.create_security_group(GroupName="x", Description="x", DryRun=True)

    assert run_record(run).chain.entries() == []


def test_a_call_outside_of_any_run_is_recorded_nowhere(run: Run) -> None:
    connect("ec2", REGION).create_security_group(GroupName="mine", Description="mine")

    assert open_store(run.store).list("record/") == []


def test_attempts_of_before_the_ledger_are_read_and_closed_in_it(run: Run) -> None:
    key = f"{run.id}/attempts/key-pair-builder/20261101T120000.000000-1-000001.json"
    earlier = {
        "key": key,
        "at": 1.0,
        "sent_until": 2.0,
        "detail": {"name": "notebake-x"},
        "state": "made",
        "made": ["key-0123456789abcdef0"],
        "code": "",
        "marks": {"notebake:run": run.id},
    }
    open_store(run.store).write(key, json.dumps(earlier).encode())
    wanted = Attempt(name="key-pair-builder", **earlier)

    assert list_attempts(run) == [wanted]
    close_as_removed(run, "key-pair-builder")

    assert [attempt.state for attempt in list_attempts(run)] == ["removed"]
    stored = open_store(run.store).read(key)
    assert stored
    assert json.loads(stored.content) == earlier, "a record of before is not changed"
