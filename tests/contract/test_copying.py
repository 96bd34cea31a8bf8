"""Copying an image to other regions: what is copied, compared, marked, and what may go wrong."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from notebake.aws import tags
from notebake.aws.clients import connect
from notebake.images.copying.carry_out import CopyFailedError, carry_out
from notebake.images.copying.plan import CopyPlan, plan_copy
from notebake.images.revoke import revoke
from notebake.images.sharing.carry_out import PlanChangedError
from notebake.images.sharing.carry_out import carry_out as carry_share_out
from notebake.images.sharing.plan import plan_share, plan_unshare
from notebake.images.sharing.shareable import NotShareableError
from notebake.ledger.verify import verify_run
from notebake.resources.survey import Scope, survey
from notebake.runs.reserved_ids import POINTER_LOG
from notebake.runs.run_record import record_place
from tests.cloud_world import REGION, LostAnswer, RefusedCall
from tests.key_policies import new_key
from tests.pointer_world import PointerWorld, pointer_world
from tests.sharing_world import (
    FRIEND,
    THERE,
    bake,
    copies_in,
    permissions,
    snapshots_in,
)

FAR = "us-east-1"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PointerWorld]:
    monkeypatch.setenv("COLUMNS", "100")
    with pointer_world(tmp_path) as opened:
        yield opened


def planned(world: PointerWorld, image_id: str, to: str = THERE, **more: Any) -> CopyPlan:
    return plan_copy(image_id, REGION, to, world.store, **more)


def described(image_id: str, region: str = THERE) -> dict[str, Any]:
    found = connect("ec2", region).describe_images(ImageIds=[image_id])["Images"][0]
    return dict(found)


def marks_of(image_id: str, region: str = THERE) -> dict[str, str]:
    return tags.as_dict(described(image_id, region)["Tags"])


def typed(world: PointerWorld, *words: str) -> int:
    return main(["--store", world.location, *words])


def test_a_copy_has_the_content_the_devices_and_the_tags_of_its_source(
    world: PointerWorld,
) -> None:
    run, image = bake(world)
    own = {"Project": "ocean", tags.KEEP: "yes", tags.CURRENT: "yes"}
    world.world.ec2.create_tags(Resources=[image.id], Tags=tags.as_list(own))

    done = carry_out(planned(world, image.id), world.store)

    machines = world.world.sandbox.machines
    assert machines.copied_from[done.image_id] == image.id
    (copy,) = copies_in(world)
    contents = {machines.snapshots.get(snapshot_id, "") for snapshot_id in copy.snapshot_ids}
    assert f"/dev/sdf of {image.id}" in contents
    shown, source = described(done.image_id), described(image.id, REGION)
    assert (shown["SourceImageId"], shown["SourceImageRegion"]) == (image.id, REGION)
    assert [each["DeviceName"] for each in shown["BlockDeviceMappings"]] == [
        each["DeviceName"] for each in source["BlockDeviceMappings"]
    ]
    marks = marks_of(done.image_id)
    assert marks["Project"] == "ocean"
    assert (marks[tags.COPY_OF], marks[tags.COPY_FROM]) == (image.id, REGION)
    assert (marks[tags.RUN], marks[tags.ROLE]) == (run.id, "copy")
    assert tags.COPY_VERIFIED in marks
    assert not {tags.ACCEPTED, tags.KEEP, tags.CURRENT, tags.EXPIRES} & marks.keys()
    ec2 = connect("ec2", THERE)
    for snapshot in ec2.describe_snapshots(SnapshotIds=copy.snapshot_ids)["Snapshots"]:
        assert tags.as_dict(snapshot["Tags"])[tags.COPY_OF] == image.id
        assert tags.EXPIRES not in tags.as_dict(snapshot["Tags"])


def test_copying_twice_makes_one_copy(world: PointerWorld) -> None:
    image = bake(world)[1]
    first = carry_out(planned(world, image.id), world.store)

    second = carry_out(planned(world, image.id), world.store)

    assert (first.outcome, second.outcome) == ("done", "already")
    assert first.image_id == second.image_id
    assert len(copies_in(world)) == 1
    assert len(world.world.sandbox.calls("CopyImage")) == 1
    assert verify_run(record_place(world.location), POINTER_LOG).findings == ()


def test_a_copy_that_somebody_removed_is_made_again(world: PointerWorld) -> None:
    image = bake(world)[1]
    first = carry_out(planned(world, image.id), world.store)
    connect("ec2", THERE).deregister_image(ImageId=first.image_id, DeleteAssociatedSnapshots=True)

    second = carry_out(planned(world, image.id), world.store)

    assert second.image_id != first.image_id
    assert [copy.id for copy in copies_in(world)] == [second.image_id]


def test_a_lost_answer_makes_no_second_copy(world: PointerWorld) -> None:
    image = bake(world)[1]
    lost = LostAnswer("CopyImage", times=2)

    with world.world.intercepting(lost):
        carry_out(planned(world, image.id), world.store)

    assert lost.fired == 2
    assert len(copies_in(world)) == 1


def test_a_copy_that_is_shown_late_is_waited_for(world: PointerWorld) -> None:
    image = bake(world)[1]
    hidden = world.world.sandbox.fail("hide", action="CopyImage", seconds=2)

    carry_out(planned(world, image.id), world.store)

    assert world.world.sandbox.fired(hidden) == 1
    assert len(copies_in(world)) == 1


def test_a_copy_that_failed_is_removed_and_the_next_one_is_another(world: PointerWorld) -> None:
    image = bake(world)[1]
    failing = world.world.sandbox.fail("fail", action="CopyImage", times=1)

    with pytest.raises(CopyFailedError, match="It was removed with its snapshots") as caught:
        carry_out(planned(world, image.id), world.store)

    assert world.world.sandbox.fired(failing) == 1
    assert f"copy {image.id} --region {REGION} --to {THERE}" in str(caught.value)
    assert copies_in(world) == []
    assert snapshots_in(world) == set()
    done = carry_out(planned(world, image.id), world.store)
    assert [copy.id for copy in copies_in(world)] == [done.image_id]


def test_a_copy_that_is_not_like_its_source_is_not_verified(world: PointerWorld) -> None:
    image = bake(world)[1]

    class Altered:
        """Lets a copy lose a disk."""

        fired = 0

        def before(self, call: Any) -> None:
            del call

        def after(self, call: Any, reply: Any) -> Any:
            if call.action == "CopyImage":
                self.fired += 1
                copy = copies_in(world)[0]
                copy.mapping = copy.mapping[:1]
            return reply

    with (
        world.world.intercepting(Altered()) as between,
        pytest.raises(CopyFailedError, match="only the source has the device /dev/sdf"),
    ):
        carry_out(planned(world, image.id), world.store)

    assert between.fired == 1
    (copy,) = copies_in(world)
    marks = marks_of(copy.id)
    assert tags.COPY_VERIFIED not in marks
    assert tags.EXPIRES in marks


def test_a_disabled_copy_is_neither_removed_nor_made_again(world: PointerWorld) -> None:
    image = bake(world)[1]
    done = carry_out(planned(world, image.id), world.store)
    connect("ec2", THERE).disable_image(ImageId=done.image_id)

    with pytest.raises(CopyFailedError, match="is disabled") as caught:
        carry_out(planned(world, image.id), world.store)

    assert "aws ec2 enable-image" in str(caught.value)
    assert len(copies_in(world)) == 1


def test_somebody_elses_copy_is_not_ours(world: PointerWorld) -> None:
    """A copy of the copy, with its tags, as the console makes it."""
    image = bake(world)[1]
    done = carry_out(planned(world, image.id), world.store)
    ec2 = connect("ec2", THERE)
    other = ec2.copy_image(
        SourceImageId=done.image_id, SourceRegion=THERE, Name="mine", CopyImageTags=True
    )["ImageId"]

    again = carry_out(planned(world, image.id), world.store)

    assert again.image_id == done.image_id
    scope = Scope(regions=(THERE,), store=world.location, before=None)
    verdicts = {
        finding.resource.id: str(finding.reason_to_stay) for finding in survey(scope).findings
    }
    assert "a verified copy of" in verdicts[done.image_id]
    assert verdicts[other].startswith("a verified copy of") or "a copy, not ours" in verdicts[other]


def test_an_unfinished_copy_expires_and_may_be_swept(world: PointerWorld) -> None:
    image = bake(world)[1]
    plan = planned(world, image.id)
    failing = world.world.sandbox.fail("refuse", action="CreateTags", code="UnauthorizedOperation")
    with pytest.raises(Exception, match="UnauthorizedOperation"):
        carry_out(plan, world.store)
    assert world.world.sandbox.fired(failing)
    (copy,) = copies_in(world)

    scope = Scope(regions=(THERE,), store=world.location, before=None)
    found = {finding.resource.id: finding for finding in survey(scope).findings}

    assert found[copy.id].may_go
    assert all(found[snapshot_id].verdict.is_ours for snapshot_id in copy.snapshot_ids)


@pytest.mark.parametrize(
    ("to", "said"),
    [
        (REGION, "is in us-west-2 already"),
        ("us-west-9", "AWS has no region us-west-9"),
        ("cn-north-1", "no image from aws to aws-cn"),
    ],
)
def test_a_region_that_takes_no_copy_is_refused_at_once(
    to: str, said: str, world: PointerWorld
) -> None:
    image = bake(world)[1]

    with pytest.raises(NotShareableError, match=said):
        planned(world, image.id, to)


def test_what_is_not_proven_is_not_copied(world: PointerWorld) -> None:
    image = bake(world)[1]
    revoke(image.id, REGION, world.store, reason="a leaked key")
    for wrong in (image, bake(world, is_accepted=False)[1]):
        with pytest.raises(NotShareableError, match="neither shared nor copied"):
            planned(world, wrong.id)


def test_a_copy_of_a_copy_names_the_original(world: PointerWorld) -> None:
    image = bake(world)[1]
    done = carry_out(planned(world, image.id), world.store)

    with pytest.raises(NotShareableError, match="is a copy itself") as caught:
        plan_copy(done.image_id, THERE, "us-east-1", world.store)

    assert f"copy {image.id} --region {REGION} --to us-east-1" in str(caught.value)


def test_an_encrypted_image_is_copied_with_a_key_of_the_region(world: PointerWorld) -> None:
    image = bake(world, key_id=new_key(REGION))[1]
    with pytest.raises(NotShareableError, match="say with which key"):
        planned(world, image.id)
    for wrong, said in ((new_key(REGION), "is in us-west-2"), ("alias/none", "There is no key")):
        with pytest.raises(NotShareableError, match=said):
            planned(world, image.id, key=wrong)
    key = new_key(THERE)

    done = carry_out(planned(world, image.id, key=key), world.store)

    (copy,) = copies_in(world)
    keys = {world.world.sandbox.cloud.region(THERE).snapshots[each].kms_key_id
            for each in copy.snapshot_ids}  # fmt: skip
    assert keys == {key}
    assert carry_out(planned(world, image.id, key=key), world.store).image_id == done.image_id


def test_a_copy_with_a_key_of_ones_own_can_be_shared(world: PointerWorld) -> None:
    """The way out for an image that AWS's own key encrypts."""
    key = new_key(REGION)
    image = bake(world)[1]
    there = len(copies_in(world, REGION))

    done = carry_out(planned(world, image.id, REGION, key=key), world.store)

    assert len(copies_in(world, REGION)) == there + 1
    plan = plan_share(done.image_id, REGION, (FRIEND,), world.store, is_key_checked=True)
    carry_share_out(plan, world.store)
    assert permissions(done.image_id) == [{"UserId": FRIEND}]


def test_a_copy_is_shared_as_long_as_its_source_is_not_revoked(world: PointerWorld) -> None:
    image = bake(world)[1]
    done = carry_out(planned(world, image.id), world.store)
    plan = plan_share(done.image_id, THERE, (FRIEND,), world.store)
    carry_share_out(plan, world.store)
    assert permissions(done.image_id, THERE) == [{"UserId": FRIEND}]
    world.world.ec2.deregister_image(ImageId=image.id)
    assert plan_share(done.image_id, THERE, (FRIEND,), world.store).already == (FRIEND,)

    revoke(image.id, REGION, world.store, reason="a leaked key")

    with pytest.raises(NotShareableError, match="a leaked key"):
        plan_share(done.image_id, THERE, (FRIEND,), world.store)


def test_a_revocation_names_the_copies_and_with_whom_they_are_shared(
    world: PointerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    image = bake(world)[1]
    done, gone = (carry_out(planned(world, image.id, to), world.store) for to in (THERE, FAR))
    connect("ec2", FAR).deregister_image(ImageId=gone.image_id)
    for shared, region in ((image.id, REGION), (done.image_id, THERE)):
        carry_share_out(plan_share(shared, region, (FRIEND,), world.store), world.store)

    assert typed(world, "revoke", image.id, "--reason", "a leaked key") == 0

    said = capsys.readouterr().out
    assert "Copies of it, which this does not revoke:\n" in said
    assert f"  {done.image_id} in {THERE}\n" in said
    assert gone.image_id not in said
    assert "No image is known that was baked from it." in said
    for shared, region in ((image.id, REGION), (done.image_id, THERE)):
        assert f"{shared} is shared with {FRIEND}, who can still launch it." in said
        assert f"unshare {shared} --all --region {region}\n" in said
    assert f"revoke {done.image_id} --region {THERE} --reason 'a leaked key'\n" in said

    assert typed(world, "revoke", done.image_id, "--region", THERE, "--reason", "a key") == 0
    carry_share_out(plan_unshare(image.id, REGION, None, world.store), world.store)
    capsys.readouterr()
    assert typed(world, "revoke", image.id, "--reason", "a leaked key") == 0
    said = capsys.readouterr().out
    assert f"  {done.image_id} in {THERE}, revoked as well\n" in said
    assert f"revoke {done.image_id}" not in said
    assert f"{image.id} is shared" not in said


def test_a_revocation_says_what_it_could_not_ask(
    world: PointerWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "1000")
    image = bake(world)[1]
    denied = RefusedCall("DescribeImageAttribute", "UnauthorizedOperation", status=403)

    with world.world.intercepting(denied):
        assert typed(world, "revoke", image.id, "--reason", "a leaked key") == 0

    assert denied.fired
    assert f"AWS does not say with whom {image.id} is shared" in capsys.readouterr().out


def test_a_plan_says_the_price_and_is_known_by_its_digest(world: PointerWorld) -> None:
    image = bake(world)[1]
    plan = planned(world, image.id)
    assert plan.size_gib == 10
    assert plan.usd_per_month is None or plan.usd_per_month > 0
    assert CopyPlan.model_validate_json(plan.model_dump_json()).digest == plan.digest
    changed = plan.model_copy(update={"size_gib": 11})

    with pytest.raises(PlanChangedError):
        carry_out(changed, world.store)

    assert copies_in(world) == []


def test_the_command_copies_to_several_regions_and_names_what_failed(
    world: PointerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    image = bake(world)[1]
    assert typed(world, "copy", image.id, "--to", THERE, "us-east-1", "--plan") == 0
    assert "10 GiB: " in capsys.readouterr().out
    assert copies_in(world) == []
    world.world.sandbox.fail("fail", action="CopyImage", times=1)

    assert typed(world, "copy", image.id, "--to", THERE, "us-east-1") == 1

    shown = capsys.readouterr()
    assert "is the copy of" in shown.out
    assert "removed with its snapshots" in " ".join(shown.err.split())
    assert typed(world, "copy", image.id, "--to", THERE, "us-east-1") == 0
    shown = capsys.readouterr()
    assert "was the copy already" in shown.out
    assert "no digest" in shown.out
    assert (len(copies_in(world)), len(copies_in(world, "us-east-1"))) == (1, 1)
