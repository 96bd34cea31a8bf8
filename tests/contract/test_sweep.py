"""The sweep removes what has expired and is proven ours, and nothing else."""

import datetime

import pytest

from notebake import clock
from notebake.aws import instances, tagging, tags
from notebake.aws.model import Resource
from notebake.aws.volumes import describe_volumes
from notebake.resources.retention import Assessment
from notebake.resources.survey import Scope, Survey, survey
from notebake.resources.sweep import Swept, remove
from notebake.runs.lock import hold_run
from notebake.runs.run import Run
from notebake.timestamps import utc_from_seconds
from notebake.waiting import wait_until
from tests.cloud_steps import carry_out_to
from tests.cloud_world import REGION, CloudWorld, RefusedCall
from tests.leftovers import (
    FUTURE,
    add_tags,
    changing_calls,
    expire_lease,
    launch_more_like,
    resource_ids,
    resources_of,
)


@pytest.fixture
def run(world: CloudWorld) -> Run:
    """A run that died with its builder, and whose lease is over."""
    run = world.new_run()
    carry_out_to(run, "launch_instance")
    expire_lease(run)
    return run


def scope(run: Run | None = None, **more: object) -> Scope:
    """Return where to look: with the run's store, or with nothing but credentials."""
    given = {"regions": (REGION,), "store": run.store if run else ""}
    return Scope(**{**given, "before": utc_from_seconds(clock.now()), **more})


def survey_and_remove(run: Run | None = None, **more: object) -> Swept:
    """Look, and remove what goes."""
    where = scope(run, **more)
    return remove(survey(where).findings, where)


def finding_about(found: Survey, resource_id: str) -> Assessment:
    return next(finding for finding in found.findings if finding.resource.id == resource_id)


def test_a_survey_changes_nothing(world: CloudWorld, run: Run) -> None:
    before = changing_calls(world)

    found = survey(scope(run))

    assert len(found.going) == len(resources_of(run)) > 4
    assert changing_calls(world) == before


def test_everything_of_a_dead_run_is_removed_without_its_store(run: Run) -> None:
    there = resource_ids(resources_of(run))

    done = survey_and_remove()

    assert resource_ids(list(done.removed)) == there
    assert (done.remaining, done.failures, done.spared) == ((), (), ())
    assert resources_of(run) == []


def test_an_unaccepted_image_is_removed_with_its_snapshots_after_the_machines(
    world: CloudWorld,
) -> None:
    run = world.new_run()
    carry_out_to(run, "launch_acceptance")
    expire_lease(run)

    done = survey_and_remove()

    kinds = [resource.kind for resource in done.removed]
    assert kinds.index("image") < kinds.index("snapshot") < kinds.index("security group")
    assert kinds.count("snapshot") == 2
    assert kinds.count("instance") == 3
    assert resources_of(run) == []


def test_resources_within_their_lease_stay(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_to(run, "launch_instance")

    found = survey(scope(run))

    assert found.going == ()
    assert {finding.reason_to_stay for finding in found.findings} >= {"still within its lease"}
    assert survey_and_remove(run) == Swept()
    assert len(resources_of(run)) > 4


def test_recently_expired_resources_stay_for_a_grace_period(run: Run) -> None:
    lately = utc_from_seconds(clock.now()) - datetime.timedelta(hours=1)
    tagging.add_tags(
        REGION, [resource.id for resource in resources_of(run)], {tags.EXPIRES: lately.isoformat()}
    )

    assert survey(scope(before=lately - datetime.timedelta(hours=1))).going == ()
    assert len(survey(scope()).going) == len(resources_of(run))


def test_resources_without_an_expiry_stay(world: CloudWorld, run: Run) -> None:
    everything = [resource.id for resource in resources_of(run)]
    world.ec2.delete_tags(Resources=everything, Tags=[{"Key": tags.EXPIRES}])

    found = survey(scope())

    assert found.going == ()
    assert {finding.reason_to_stay for finding in found.findings} == {"no end is set"}


def test_a_copied_machine_stays_with_all_that_it_uses(world: CloudWorld, run: Run) -> None:
    ours = resources_of(run, "instance")[0].id
    copy = launch_more_like(world, run)
    expire_lease(run)
    of_copy = {resource.id for resource in resources_of(run) if copy in resource.owners} | {copy}

    done = survey_and_remove()

    assert ours in resource_ids(list(done.removed))
    assert len(of_copy) == 3, "the machine, its disk and its interface"
    assert not of_copy & resource_ids(list(done.removed))
    assert of_copy < resource_ids(resources_of(run))
    assert {resource.kind for resource in resources_of(run)} >= {"key pair", "security group"}
    assert instances.describe_instance(copy, REGION).state == "running"  # type: ignore[union-attr]
    assert "a copy, not ours" in finding_about(survey(scope()), copy).reason_to_stay


def test_an_untagged_machine_keeps_its_group_and_key(world: CloudWorld, run: Run) -> None:
    copy = launch_more_like(world, run)
    world.ec2.delete_tags(Resources=[copy], Tags=[{"Key": tags.RUN}])

    done = survey_and_remove()

    assert {resource.kind for resource in resources_of(run)} >= {"key pair", "security group"}
    assert copy not in resource_ids(list(done.removed))
    assert (done.remaining, done.failures) == ((), ())


def keep(run: Run, kind: str) -> Resource:
    """Tag one thing of a run as to be kept, and return it."""
    resource = resources_of(run, kind)[0]
    add_tags(resource.id, keep="")
    return resource


def test_a_kept_machine_keeps_its_disks_its_interface_its_key_and_its_group(run: Run) -> None:
    there = resource_ids(resources_of(run))
    kept = keep(run, "instance")

    found = survey(scope(run))

    assert found.going == ()
    assert finding_about(found, kept.id).reason_to_stay == "it is tagged notebake:keep"
    for kind in ("volume", "network interface", "key pair", "security group"):
        reasons = {
            finding.reason_to_stay for finding in found.findings if finding.resource.kind == kind
        }
        assert reasons == {"it belongs to a resource that is tagged notebake:keep"}
    assert survey_and_remove(run) == Swept()
    assert resource_ids(resources_of(run)) == there


@pytest.mark.parametrize("kind", ["key pair", "security group"])
def test_any_resource_tagged_keep_stays(run: Run, kind: str) -> None:
    kept = keep(run, kind)

    done = survey_and_remove(run)

    assert resource_ids(resources_of(run)) == {kept.id}
    assert (done.remaining, done.failures) == ((), ())


def test_a_kept_image_keeps_its_snapshots(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_to(run, "wait_for_image")
    expire_lease(run)
    keep(run, "image")

    survey_and_remove(run)

    assert sorted(resource.kind for resource in resources_of(run)) == [
        "image",
        "snapshot",
        "snapshot",
    ]


def test_an_accepted_image_and_its_snapshots_stay_even_expired(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_to(run, "wait_for_image")
    expire_lease(run)
    # Whoever died between the two leaves the snapshots without the tag.
    add_tags(resources_of(run, "image")[0].id, accepted="2026-11-23")

    survey_and_remove(run)

    assert sorted(resource.kind for resource in resources_of(run)) == [
        "image",
        "snapshot",
        "snapshot",
    ]
    snapshot_id = resources_of(run, "snapshot")[0].id
    reason = finding_about(survey(scope(run)), snapshot_id).reason_to_stay
    assert reason == "accepted, it is the result of the run"


def test_a_run_that_is_being_executed_stays(run: Run) -> None:
    with hold_run(run):
        found = survey(scope(run))
        done = survey_and_remove(run)

    assert found.going == ()
    assert all(
        "is being executed by process" in finding.reason_to_stay for finding in found.findings
    )
    assert done == Swept()
    assert len(resources_of(run)) > 4


def test_a_run_resumed_since_the_survey_stays(run: Run) -> None:
    where = scope(run)
    found = survey(where)

    with hold_run(run):
        done = remove(found.findings, where)

    assert done.removed == ()
    assert len(done.spared) == len(found.going)
    assert "is being executed by" in done.spared[0].reason_to_stay
    assert len(resources_of(run)) > 4


@pytest.mark.parametrize(
    "change",
    [{"keep": "for a look"}, {"expires": FUTURE}],
    ids=["tagged as to be kept", "renewed"],
)
def test_resources_changed_since_the_survey_stay(run: Run, change: dict[str, str]) -> None:
    where = scope()
    found = survey(where)
    machine = resources_of(run, "instance")[0]
    add_tags(machine.id, **change)

    done = remove(found.findings, where)

    assert machine.id in {assessment.resource.id for assessment in done.spared}
    assert done.removed == (), "all else belongs to it"
    assert (done.remaining, done.failures) == ((), ())


def test_an_image_accepted_since_the_survey_stays(world: CloudWorld) -> None:
    run = world.new_run()
    carry_out_to(run, "wait_for_image")
    expire_lease(run)
    where = scope()
    found = survey(where)
    add_tags(resources_of(run, "image")[0].id, accepted="2026-11-23")

    remove(found.findings, where)

    assert sorted(resource.kind for resource in resources_of(run)) == [
        "image",
        "snapshot",
        "snapshot",
    ]


def test_resources_known_only_to_the_run_store_are_removed_too(world: CloudWorld, run: Run) -> None:
    machine = resources_of(run, "instance")[0]
    world.ec2.delete_tags(Resources=[machine.id])
    assert machine.id not in resource_ids(resources_of(run))

    early = survey(scope(run))
    late = utc_from_seconds(clock.now()) + datetime.timedelta(hours=run.recipe.lease_hours + 1)

    assert finding_about(early, machine.id).reason_to_stay == "still within its lease"
    assert machine.id in resource_ids(list(survey_and_remove(run, before=late).removed))


def test_a_detached_volume_is_listed_but_never_removed(world: CloudWorld, run: Run) -> None:
    data = min(resources_of(run, "volume"), key=lambda resource: resource.size_gib)
    world.ec2.detach_volume(VolumeId=data.id)
    wait_until(
        lambda: not describe_volumes([data.id], REGION)[0].get("Attachments") or None,
        what="the volume to be free",
        timeout_seconds=36000,
    )

    done = survey_and_remove()

    assert data.id not in resource_ids(list(done.removed))
    assert data.id in resource_ids(resources_of(run))
    assert "not certain to be ours" in finding_about(survey(scope()), data.id).reason_to_stay


def test_a_resource_that_cannot_be_removed_is_named_and_the_rest_is_removed(
    world: CloudWorld, run: Run
) -> None:
    with world.intercepting(
        RefusedCall("DeleteKeyPair", "UnauthorizedOperation", status=403)
    ) as refuses:
        done = survey_and_remove()

    assert refuses.fired == 1
    assert [resource.kind for resource in done.remaining] == ["key pair"]
    assert "UnauthorizedOperation" in done.failures[0]
    assert [resource.kind for resource in resources_of(run)] == ["key pair"]


def test_a_machine_that_cannot_be_terminated_is_named_with_all_that_it_uses(
    world: CloudWorld, run: Run
) -> None:
    there = resource_ids(resources_of(run))
    with world.intercepting(
        RefusedCall("TerminateInstances", "OperationNotPermitted", status=400)
    ) as no:
        done = survey_and_remove()

    assert no.fired == 1
    assert len(done.failures) == 1, "its disks and its group are not even tried"
    assert resource_ids(list(done.remaining)) == there


def test_a_region_that_does_not_answer_is_reported(world: CloudWorld, run: Run) -> None:
    with world.intercepting(
        RefusedCall("DescribeVolumes", "UnauthorizedOperation", status=403)
    ) as refuses:
        found = survey(scope(run))

    assert refuses.fired >= 1
    assert found.findings == ()
    assert found.unanswered[0].startswith(f"{REGION}: ")
