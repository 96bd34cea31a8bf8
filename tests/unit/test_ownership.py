"""What proves that a resource is ours; tags alone do not, as they can be copied."""

from typing import Any

import pytest

from notebake.aws import tags
from notebake.aws.model import Resource
from notebake.aws.names import (
    name_of_copy,
    name_of_group,
    name_of_image,
    name_of_key_pair,
    name_of_schedule,
)
from notebake.aws.resource_record import as_resource
from notebake.resources.kinds import prove_ownership
from notebake.resources.ownership import Ownership

RUN = "ocean-20261123-120000-ab12"
OURS, NOT_CERTAIN, COPIED = Ownership.OURS, Ownership.NOT_CERTAIN, Ownership.COPIED
BUILDER = "i-00000000000000001"
COPY = "i-00000000000000002"


def make_resource(
    kind: str, id: str, *, marks: dict[str, str] | None = None, **more: Any
) -> Resource:
    all_marks = {tags.RUN: RUN, **(marks or {})}
    return Resource(kind=kind, id=id, run_id=RUN, tags=all_marks, **more)


def ownership_of(resource: Resource, *others: Resource, known: set[str] | None = None) -> Ownership:
    found = {each.id: each for each in (resource, *others)}
    return prove_ownership(resource, found, known or set()).ownership


def a_machine(id: str, claimed: str | None, own: str) -> Resource:
    marks = {} if claimed is None else {tags.TOKEN: claimed}
    return make_resource("instance", id, marks=marks).model_copy(update={"token": own})


MACHINE = a_machine(BUILDER, "one", "one")
COPIED_MACHINE = a_machine(COPY, "one", "another")
UNMARKED_MACHINE = a_machine(COPY, None, "another")
IMAGE = make_resource(
    *("image", "ami-1"),
    marks={tags.BUILDER: BUILDER},
    name=name_of_image(RUN),
    made_of=BUILDER,
    parts=("snap-1",),
)


def test_a_machine_is_proven_ours_only_by_its_client_token() -> None:
    assert ownership_of(MACHINE) is OURS
    assert ownership_of(COPIED_MACHINE) is COPIED
    assert ownership_of(UNMARKED_MACHINE) is NOT_CERTAIN
    assert ownership_of(a_machine(COPY, "", "")) is NOT_CERTAIN


def test_a_resource_recorded_in_the_run_store_is_ours_despite_its_tags() -> None:
    assert ownership_of(UNMARKED_MACHINE, known={COPY}) is OURS
    assert ownership_of(make_resource("volume", "vol-1"), known={"vol-1"}) is OURS


@pytest.mark.parametrize("kind", ["volume", "network interface"])
def test_attached_resources_are_judged_by_their_machine(kind: str) -> None:
    def attached_to(*owners: str) -> Resource:
        return make_resource(kind, "x-1", marks={tags.TOKEN: "t"}, owners=owners)

    assert ownership_of(attached_to(BUILDER), MACHINE) is OURS
    assert ownership_of(attached_to(COPY), COPIED_MACHINE) is COPIED
    assert ownership_of(attached_to(COPY), UNMARKED_MACHINE) is NOT_CERTAIN
    assert ownership_of(attached_to("i-00000000000000009"), MACHINE) is NOT_CERTAIN
    assert ownership_of(attached_to(), MACHINE) is NOT_CERTAIN, "detached, the tag may be a copy"
    other_run = MACHINE.model_copy(update={"run_id": "other"})
    assert ownership_of(attached_to(BUILDER), other_run) is NOT_CERTAIN


def test_an_image_made_of_our_builder_is_ours() -> None:
    assert ownership_of(IMAGE) is OURS
    assert ownership_of(IMAGE.model_copy(update={"made_of": ""})) is COPIED, (
        "as CopyImage leaves it"
    )
    assert ownership_of(IMAGE.model_copy(update={"made_of": COPY})) is COPIED
    assert ownership_of(IMAGE.model_copy(update={"name": "my copy"})) is NOT_CERTAIN
    assert ownership_of(IMAGE.model_copy(update={"tags": {tags.RUN: RUN}})) is NOT_CERTAIN


def test_a_snapshot_is_ours_by_its_image_or_its_description() -> None:
    bare = make_resource("snapshot", "snap-1")
    marked = make_resource("snapshot", "snap-1", marks={tags.BUILDER: BUILDER}, made_of=BUILDER)
    of_image = bare.model_copy(update={"owners": ("ami-1",)})

    assert ownership_of(of_image, IMAGE) is OURS
    assert ownership_of(of_image, IMAGE.model_copy(update={"made_of": ""})) is NOT_CERTAIN
    assert ownership_of(marked) is OURS
    assert ownership_of(marked.model_copy(update={"made_of": ""})) is COPIED
    assert ownership_of(bare) is NOT_CERTAIN


def described(**more: str) -> Resource:
    marks = [{"Key": tags.RUN, "Value": RUN}, {"Key": tags.BUILDER, "Value": BUILDER}]
    found = {"SnapshotId": "snap-1", "VolumeId": "vol-1", "VolumeSize": 1, "Tags": marks}
    return as_resource("snapshot", {**found, **more}, "snap-1", "us-west-2")


def test_only_ec2_s_own_snapshot_description_counts() -> None:
    message = f"Created by CreateImage({BUILDER}) for ami-0123"

    assert ownership_of(described(Description=message)) is OURS
    assert (
        ownership_of(described(Description=f"[Copied snap-9 from us-east-1] {message}")) is COPIED
    )
    assert ownership_of(described(Description=message, VolumeId="vol-ffffffff")) is COPIED
    assert ownership_of(described(Description="")) is COPIED


def test_key_pairs_groups_and_schedules_are_ours_by_their_unique_names() -> None:
    key = make_resource(
        "key pair", "key-1", marks={tags.ROLE: "builder"}, name=name_of_key_pair(RUN, "builder")
    )
    group = make_resource("security group", "sg-1", name=name_of_group(RUN))
    name = name_of_schedule(RUN, BUILDER)
    schedule = make_resource("schedule", name, name=name, owners=(BUILDER,))

    for resource in (key, group, schedule):
        assert ownership_of(resource) is OURS
        assert ownership_of(resource.model_copy(update={"name": "mine"})) is NOT_CERTAIN
    assert ownership_of(schedule.model_copy(update={"owners": (COPY,)})) is NOT_CERTAIN


def test_a_group_s_name_is_unique_in_its_vpc_only() -> None:
    group = make_resource("security group", "sg-1", name=name_of_group(RUN))
    other = make_resource("security group", "sg-2", name=name_of_group(RUN))

    assert ownership_of(group, other) is NOT_CERTAIN
    assert ownership_of(group, other, known={"sg-1"}) is OURS


def test_every_ownership_verdict_has_a_reason() -> None:
    for resource in (MACHINE, COPIED_MACHINE, UNMARKED_MACHINE, IMAGE):
        assert " " in prove_ownership(resource, {resource.id: resource}).reason


def test_ownership_uses_the_names_that_the_steps_use() -> None:
    from notebake.recipe import Recipe
    from notebake.runs.run import Run

    run = Run(id=RUN, recipe=Recipe(name="ocean"), store="")

    assert name_of_key_pair(run.id, "builder") == name_of_key_pair(RUN, "builder")
    assert name_of_group(run.id) == name_of_group(RUN)
    assert name_of_image(run.id) == name_of_image(RUN)


def test_a_parameter_is_ours_by_its_name_and_its_tag() -> None:
    parameter = make_resource(
        "parameter", f"/notebake/{RUN}/builder", name=f"/notebake/{RUN}/builder"
    )

    assert ownership_of(parameter) is OURS
    assert ownership_of(parameter.model_copy(update={"tags": {}})) is NOT_CERTAIN


def a_copy(**changes: str) -> Resource:
    marks = {tags.COPY_OF: "ami-source", tags.RUN: RUN}
    copy = make_resource("image", "ami-copy", marks=marks).model_copy(
        update={"name": name_of_copy(RUN, "ami-source"), "copied_from": "ami-source"}
    )
    return copy.model_copy(update={**changes})


def test_a_copy_of_an_image_is_ours_by_its_source_and_its_name() -> None:
    assert ownership_of(a_copy()) is OURS
    with_key = name_of_copy(RUN, "ami-source", "arn:aws:kms:us-west-2:123456789012:key/1")
    assert ownership_of(a_copy(name=with_key)) is OURS
    assert ownership_of(a_copy(copied_from="ami-copy")) is COPIED, "somebody has copied the copy"
    assert ownership_of(a_copy(copied_from="")) is COPIED
    assert ownership_of(a_copy(name="mine")) is NOT_CERTAIN
