"""Resources that are found by name: schedules and parameters."""

import datetime

import pytest

from notebake import clock
from notebake.aws import schedules
from notebake.aws.clients import connect
from notebake.aws.names import name_of_schedule
from notebake.aws.ssm import list_parameters, tag_parameter
from notebake.resources.survey import Scope, survey
from notebake.resources.sweep import remove
from notebake.runs import keys
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.timestamps import utc_from_seconds
from tests.cloud_steps import carry_out_to
from tests.cloud_world import RECIPE, REGION, CloudWorld
from tests.leftovers import PAST, add_tags, expire_lease, resources_of

ROLE = "arn:aws:iam::123456789012:role/notebake-scheduler"
ENDS = datetime.datetime(2026, 11, 24, 18, 0, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))


@pytest.fixture
def run(world: CloudWorld) -> Run:
    run = world.new_run(RECIPE.model_copy(update={"scheduler_role": ROLE}))
    carry_out_to(run, "launch_instance")
    return run


def machine_of(run: Run) -> str:
    return resources_of(run, "instance")[0].id


def schedule_of(run: Run) -> dict[str, object]:
    name = name_of_schedule(run.id, machine_of(run))
    answer: dict[str, object] = connect("scheduler", REGION).get_schedule(Name=name)
    return answer


def kinds(run: Run, before: datetime.datetime | None) -> dict[str, str]:
    found = survey(Scope(regions=(REGION,), run_id=run.id, before=before)).findings
    return {finding.resource.kind: finding.reason_to_stay for finding in found}


def test_a_schedule_terminates_the_machine_once_shortly_after_its_lease(run: Run) -> None:
    machine = machine_of(run)

    schedules.ensure_schedule(run, machine, ENDS)

    made = schedule_of(run)
    assert made["ScheduleExpression"] == "at(2026-11-24T17:15:00)"
    assert made["ScheduleExpressionTimezone"] == "UTC"
    assert made["FlexibleTimeWindow"] == {"Mode": "OFF"}
    assert made["ActionAfterCompletion"] == "DELETE"
    target = made["Target"]
    assert isinstance(target, dict)
    assert target["Arn"] == "arn:aws:scheduler:::aws-sdk:ec2:terminateInstances"
    assert target["Input"] == f'{{"InstanceIds": ["{machine}"]}}'
    assert target["RoleArn"] == ROLE


def test_a_schedule_can_be_moved_and_deleted_repeatedly(run: Run) -> None:
    machine = machine_of(run)
    schedules.ensure_schedule(run, machine, ENDS)

    schedules.ensure_schedule(run, machine, ENDS + datetime.timedelta(days=1))

    assert schedule_of(run)["ScheduleExpression"] == "at(2026-11-25T17:15:00)"
    assert len(schedules.list_schedules(REGION, run.id)) == 1
    schedules.delete_schedule(run, machine)
    schedules.delete_schedule(run, machine)
    assert schedules.list_schedules(REGION, run.id) == []


def test_without_a_role_there_is_no_schedule(world: CloudWorld) -> None:
    other = world.new_run()

    before = len(world.sandbox.calls())

    schedules.ensure_schedule(other, "i-0123456789abcdef0", ENDS)
    schedules.delete_schedule(other, "i-0123456789abcdef0")

    assert len(world.sandbox.calls()) == before


def test_the_longest_name_fits_the_scheduler_limit() -> None:
    name = name_of_schedule("x" * 80, "i-0123456789abcdef0")

    assert len(name) <= 64
    assert set(name) <= set("0123456789abcdefghijklmnopqrstuvwxyz-_.")


@pytest.mark.usefixtures("world")
def test_a_foreign_schedule_with_a_similar_name_is_not_ours() -> None:
    connect("scheduler", REGION).create_schedule(
        Name="notebake-every-morning",
        ScheduleExpression="cron(0 7 * * ? *)",
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": "arn:aws:lambda:us-west-2:123456789012:function:x", "RoleArn": ROLE},
    )

    assert schedules.list_schedules(REGION) == []


def test_a_schedule_is_removed_only_after_its_machine(run: Run) -> None:
    schedules.ensure_schedule(run, machine_of(run), utc_from_seconds(0))
    assert (
        kinds(run, utc_from_seconds(clock.now()))["schedule"] == "in use by a resource that stays"
    )

    scope = Scope(regions=(REGION,), run_id=run.id, before=None)
    done = remove(survey(scope).findings, scope)

    assert [resource.kind for resource in done.removed][-1] == "schedule"
    assert schedules.list_schedules(REGION) == []


def test_a_kept_machine_keeps_its_schedule(run: Run) -> None:
    schedules.ensure_schedule(run, machine_of(run), ENDS)
    add_tags(machine_of(run), keep="")

    assert kinds(run, None)["schedule"] == "it belongs to a resource that is tagged notebake:keep"


@pytest.fixture
def remote(run: Run) -> Run:
    """The same run with its store on S3, where its keys are SecureStrings."""
    connect("s3", REGION).create_bucket(
        Bucket="runs", CreateBucketConfiguration={"LocationConstraint": REGION}
    )
    remote = run.model_copy(update={"store": open_store("s3://runs/here").location})
    keys.keys_of(remote, "builder")
    return remote


def test_the_keys_of_a_run_are_removed_only_after_its_machines(remote: Run) -> None:
    name = list_parameters(REGION, remote.id)[0].name
    tag_parameter(name, {"notebake:expires": PAST}, REGION)
    assert (
        kinds(remote, utc_from_seconds(clock.now()))["parameter"]
        == "in use by a resource that stays"
    )
    expire_lease(remote)

    scope = Scope(regions=(REGION,), before=utc_from_seconds(clock.now()))
    done = remove(survey(scope).findings, scope)

    assert (done.remaining, done.failures) == ((), ())
    assert [resource.kind for resource in done.removed][-1] == "parameter"
    assert list_parameters(REGION) == []


def test_a_parameter_within_its_lease_stays(remote: Run) -> None:
    scope = Scope(regions=(REGION,), run_id=remote.id, before=None)
    others = [finding for finding in survey(scope).findings if finding.resource.kind != "parameter"]
    remove(others, scope)

    assert kinds(remote, utc_from_seconds(clock.now())) == {"parameter": "still within its lease"}
