"""Sharing an image with accounts, organizations and everybody, and taking that back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.cli.main import main
from notebake.aws import tags
from notebake.aws.clients import connect
from notebake.errors import CloudError, NotebakeError
from notebake.images.pointer_record import NotPromotableError
from notebake.images.revoke import revoke
from notebake.images.sharing.carry_out import PlanChangedError, carry_out
from notebake.images.sharing.key_access import NEEDED
from notebake.images.sharing.plan import SharePlan, plan_share, plan_unshare
from notebake.images.sharing.recipients import read_recipients
from notebake.images.sharing.shareable import NotShareableError
from notebake.ledger.verify import verify_run
from notebake.runs.reserved_ids import POINTER_LOG
from notebake.runs.run_record import record_place
from sandbox.messages.call import Call
from tests.cloud_world import REGION, LostAnswer, RefusedCall
from tests.key_policies import letting, new_key
from tests.pointer_world import PointerWorld, pointer_world
from tests.sharing_world import (
    FRIEND,
    ORGANIZATION,
    OTHER,
    UNIT,
    bake,
    permissions,
    readers,
)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PointerWorld]:
    monkeypatch.setenv("COLUMNS", "100")
    with pointer_world(tmp_path) as opened:
        yield opened


def planned(world: PointerWorld, image_id: str, *recipients: str, **more: Any) -> SharePlan:
    return plan_share(image_id, REGION, recipients, world.store, **more)


def typed(world: PointerWorld, *words: str) -> int:
    return main(["--store", world.location, *words])


def entries(world: PointerWorld) -> list[dict[str, Any]]:
    """Return the log of images, which is verified."""
    verified = verify_run(record_place(world.location), POINTER_LOG)
    assert verified.findings == ()
    place = record_place(world.location)
    found = place.read_below(POINTER_LOG)
    return [json.loads(content) for content in found.values()]


def test_an_image_is_shared_with_accounts_organizations_and_units(world: PointerWorld) -> None:
    image = bake(world)[1]
    plan = planned(world, image.id, FRIEND, ORGANIZATION, UNIT)

    done = carry_out(plan, world.store)

    assert done.outcome == "done"
    assert done.shared_with == tuple(sorted((FRIEND, ORGANIZATION, UNIT)))
    shown = permissions(image.id)
    assert {"UserId": FRIEND} in shown
    assert {"OrganizationArn": ORGANIZATION} in shown
    assert {"OrganizationalUnitArn": UNIT} in shown
    assert readers(image) == [set(), set()], "a launch needs no more than the launch permission"


def test_accounts_may_copy_only_if_that_is_asked_for(world: PointerWorld) -> None:
    image = bake(world)[1]

    carry_out(planned(world, image.id, FRIEND, UNIT, may_copy=True), world.store)
    carry_out(planned(world, image.id, OTHER), world.store)

    assert readers(image) == [{FRIEND}, {FRIEND}]


def test_sharing_twice_changes_nothing_and_is_recorded(world: PointerWorld) -> None:
    image = bake(world)[1]
    plan = planned(world, image.id, FRIEND)
    carry_out(plan, world.store)
    calls = len(world.world.sandbox.calls("ModifyImageAttribute"))

    done = carry_out(planned(world, image.id, FRIEND), world.store)

    assert done.outcome == "already"
    assert len(world.world.sandbox.calls("ModifyImageAttribute")) == calls
    kinds = [entry["kind"] for entry in entries(world)]
    assert kinds == ["sharing", "sent", "answered", "shared", "sharing", "shared"]
    assert [entry["body"].get("outcome") for entry in entries(world)][-1] == "already"


def test_to_let_copy_what_is_shared_already_is_something_to_do(world: PointerWorld) -> None:
    image = bake(world)[1]
    carry_out(planned(world, image.id, FRIEND), world.store)

    done = carry_out(planned(world, image.id, FRIEND, may_copy=True), world.store)

    assert done.outcome == "done"
    assert readers(image) == [{FRIEND}, {FRIEND}]


def test_unshare_takes_all_back_and_says_who_has_it_still(world: PointerWorld) -> None:
    image = bake(world)[1]
    carry_out(planned(world, image.id, FRIEND, OTHER, ORGANIZATION, may_copy=True), world.store)

    done = carry_out(plan_unshare(image.id, REGION, (FRIEND,), world.store), world.store)

    assert done.shared_with == tuple(sorted((OTHER, ORGANIZATION)))
    assert readers(image) == [{OTHER}, {OTHER}]
    everything = plan_unshare(image.id, REGION, None, world.store)
    assert everything.recipients == tuple(sorted((OTHER, ORGANIZATION)))
    carry_out(everything, world.store)
    assert permissions(image.id) == []
    assert readers(image) == [set(), set()]
    again = carry_out(plan_unshare(image.id, REGION, (FRIEND,), world.store), world.store)
    assert again.outcome == "already"


def test_a_plan_is_known_by_its_digest_whatever_others_do(world: PointerWorld) -> None:
    image = bake(world)[1]
    plan = planned(world, image.id, FRIEND, OTHER)
    read_again = SharePlan.model_validate_json(plan.model_dump_json())
    assert read_again.digest == plan.digest
    carry_out(planned(world, image.id, FRIEND), world.store)
    assert planned(world, image.id, FRIEND, OTHER).digest == plan.digest
    assert planned(world, image.id, FRIEND).digest != plan.digest

    assert carry_out(read_again, world.store).plan.left == (OTHER,)


def test_a_plan_that_is_not_that_any_more_is_refused(world: PointerWorld) -> None:
    image = bake(world)[1]
    plan = planned(world, image.id, FRIEND).model_copy(update={"image_name": "other"})

    with pytest.raises(PlanChangedError):
        carry_out(plan, world.store)

    assert permissions(image.id) == []


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("not accepted", "it is not accepted"),
        ("not in the record", "does not have it as accepted"),
        ("revoked", "it was revoked: a leaked key"),
        ("disabled", "disabled"),
        ("pending", "pending"),
    ],
)
def test_only_a_proven_image_is_shared(wrong: str, said: str, world: PointerWorld) -> None:
    run, image = bake(
        world, is_accepted=wrong != "not accepted", is_in_record=wrong != "not in the record"
    )
    del run
    if wrong == "revoked":
        revoke(image.id, REGION, world.store, reason="a leaked key")
    if wrong in ("disabled", "pending"):
        world.world.sandbox.cloud.region(REGION).images[image.id].state = wrong

    with pytest.raises(NotebakeError) as caught:
        planned(world, image.id, FRIEND)

    assert isinstance(caught.value, NotShareableError | NotPromotableError)
    assert wrong == "disabled" or said in caught.value.message


def test_a_revoked_image_can_be_taken_back(world: PointerWorld) -> None:
    image = bake(world)[1]
    carry_out(planned(world, image.id, FRIEND), world.store)
    revoke(image.id, REGION, world.store, reason="a leaked key")

    carry_out(plan_unshare(image.id, REGION, (FRIEND,), world.store), world.store)

    assert permissions(image.id) == []


def test_an_image_that_is_revoked_meanwhile_is_taken_back_at_once(world: PointerWorld) -> None:
    image = bake(world)[1]
    plan = planned(world, image.id, FRIEND)

    class RevokedMeanwhile:
        fired = 0

        def before(self, call: Call) -> None:
            if call.action == "ModifyImageAttribute" and not self.fired:
                self.fired += 1
                revoke(image.id, REGION, world.store, reason="a leaked key")

        def after(self, call: Call, reply: Any) -> Any:
            del call
            return reply

    with (
        world.world.intercepting(RevokedMeanwhile()) as between,
        pytest.raises(NotShareableError, match="revoked"),
    ):
        carry_out(plan, world.store)

    assert between.fired == 1
    assert permissions(image.id) == []
    assert entries(world)[-1]["body"]["outcome"] == "failed"


def test_an_image_of_others_is_not_shared(world: PointerWorld) -> None:
    with pytest.raises(NotPromotableError, match="is no image of this account"):
        planned(world, "ami-0123456789abcdef0", FRIEND)


def test_an_image_with_awss_own_key_is_shared_with_nobody(world: PointerWorld) -> None:
    ec2 = world.world.ec2
    ec2.enable_ebs_encryption_by_default()
    zone = f"{REGION}a"
    made = ec2.create_volume(AvailabilityZone=zone, Size=1)["VolumeId"]
    key_id = ec2.describe_volumes(VolumeIds=[made])["Volumes"][0]["KmsKeyId"]
    assert ":key/" in key_id
    image = bake(world, key_id=key_id)[1]

    with pytest.raises(NotShareableError, match="AWS's own key") as caught:
        planned(world, image.id, FRIEND)

    assert f"copy {image.id} --to {REGION} --kms-key KEY" in str(caught.value)


@pytest.mark.parametrize(
    ("recipient", "statement"),
    [
        (FRIEND, letting({"AWS": f"arn:aws:iam::{FRIEND}:root"})),
        (FRIEND, letting({"AWS": [OTHER, FRIEND]})),
        (ORGANIZATION, letting("*", StringEquals={"aws:PrincipalOrgID": "o-1234567890"})),
        (UNIT, letting("*", StringEquals={"aws:PrincipalOrgID": "o-1234567890"})),
        (
            UNIT,
            letting(
                "*",
                **{
                    "StringEquals": {"aws:PrincipalOrgID": "o-1234567890"},
                    "ForAnyValue:StringLike": {
                        "aws:PrincipalOrgPaths": ["o-1234567890/r-ab12/ou-ab12-12345678/*"]
                    },
                },
            ),
        ),
    ],
)
def test_an_encrypted_image_is_shared_if_its_keys_policy_lets_them(
    recipient: str, statement: dict[str, Any], world: PointerWorld
) -> None:
    key_id = new_key(REGION, statements=[statement])
    image = bake(world, key_id=key_id)[1]

    done = carry_out(planned(world, image.id, recipient), world.store)

    assert done.shared_with == (recipient,)
    assert done.plan.key_ids == (key_id,)


@pytest.mark.parametrize(
    ("statements", "said"),
    [
        ([], "does not let them: kms:CreateGrant"),
        ([letting({"AWS": OTHER})], "does not let them"),
        ([letting({"AWS": f"arn:aws:iam::{FRIEND}:role/x"})], "single users or roles"),
        ([letting("*", StringEquals={"aws:PrincipalOrgID": "o-1"})], "is in an organization"),
        ([letting("*", IpAddress={"aws:SourceIp": "192.0.2.0/24"})], "condition on aws:sourceip"),
    ],
)
def test_an_encrypted_image_is_not_shared_if_that_is_not_certain(
    statements: list[dict[str, Any]], said: str, world: PointerWorld
) -> None:
    image = bake(world, key_id=new_key(REGION, statements=statements))[1]

    with pytest.raises(NotShareableError, match=said):
        planned(world, image.id, FRIEND)

    plan = planned(world, image.id, FRIEND, is_key_checked=True)
    assert plan.is_key_checked_by_caller
    assert carry_out(plan, world.store).outcome == "done"


def test_a_grant_lets_them_as_well(world: PointerWorld) -> None:
    key_id = new_key(REGION)
    connect("kms", REGION).create_grant(
        KeyId=key_id,
        GranteePrincipal=f"arn:aws:iam::{FRIEND}:root",
        Operations=[action.removeprefix("kms:") for action in NEEDED],
    )
    image = bake(world, key_id=key_id)[1]

    assert carry_out(planned(world, image.id, FRIEND), world.store).outcome == "done"


def test_an_image_is_public_only_if_the_account_lets_it(world: PointerWorld) -> None:
    image, ec2 = bake(world)[1], world.world.ec2
    ec2.enable_image_block_public_access(ImageBlockPublicAccessState="block-new-sharing")
    with pytest.raises(NotShareableError, match="blocks new public images"):
        planned(world, image.id, "all")
    ec2.disable_image_block_public_access()

    carry_out(planned(world, image.id, "all"), world.store)

    assert permissions(image.id) == [{"Group": "all"}]
    encrypted = bake(world, key_id=new_key(REGION))[1]
    with pytest.raises(NotShareableError, match="no encrypted image be public"):
        planned(world, encrypted.id, "all")


def test_a_refusal_of_aws_is_recorded(world: PointerWorld) -> None:
    image = bake(world)[1]
    denied = RefusedCall("ModifyImageAttribute", "UnauthorizedOperation", status=403)

    with world.world.intercepting(denied), pytest.raises(CloudError):
        carry_out(planned(world, image.id, FRIEND), world.store)

    assert denied.fired
    last = entries(world)[-1]
    assert (last["kind"], last["body"]["outcome"]) == ("shared", "failed")


def test_a_lost_answer_is_no_failure(world: PointerWorld) -> None:
    image = bake(world)[1]
    lost = LostAnswer("ModifyImageAttribute", times=1)

    with world.world.intercepting(lost):
        done = carry_out(planned(world, image.id, FRIEND), world.store)

    assert lost.fired == 1
    assert done.shared_with == (FRIEND,)


def test_recipients_see_the_anchor_of_the_record(world: PointerWorld) -> None:
    image = bake(world)[1]
    world.world.ec2.create_tags(
        Resources=[image.id], Tags=[{"Key": tags.RECORD, "Value": "12 c0ffee"}]
    )

    carry_out(planned(world, image.id, FRIEND), world.store)

    shown = world.world.ec2.describe_images(ImageIds=[image.id])["Images"][0]["Tags"]
    assert tags.as_dict(shown)[tags.SHARED_RECORD] == "12 c0ffee"


@pytest.mark.parametrize("wrong", ["123", "o-1234567890", "arn:aws:iam::123456789012:root", ""])
def test_what_is_no_recipient_is_refused_before_anything_is_asked(wrong: str) -> None:
    with pytest.raises(NotebakeError, match="neither the 12 digits"):
        read_recipients([FRIEND, wrong])
    with pytest.raises(NotebakeError, match="No recipient"):
        read_recipients([])


@pytest.mark.parametrize("others", [("--with", FRIEND), ("--public",)])
def test_all_and_some_are_not_taken_back_at_once(
    others: tuple[str, ...], world: PointerWorld, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        typed(world, "unshare", "ami-0123456789abcdef0", *others, "--all")

    assert refused.value.code == 2
    assert "Either --all, or whom" in capsys.readouterr().err


def test_the_commands(world: PointerWorld, capsys: pytest.CaptureFixture[str]) -> None:
    image = bake(world)[1]
    assert typed(world, "share", image.id, "--with", FRIEND, ORGANIZATION, "--plan") == 0
    shown = capsys.readouterr().out
    assert "organization o-1234567890" in shown
    assert "at most $0.50 a month, as before" in shown
    assert permissions(image.id) == []

    assert typed(world, "share", image.id, "--with", FRIEND, "--with", ORGANIZATION) == 0
    shown = capsys.readouterr().out
    assert f"--region {REGION} --image-id {image.id}" in shown
    assert typed(world, "share", image.id, "--with", FRIEND) == 0
    assert "already shared" in capsys.readouterr().out
    assert typed(world, "unshare", image.id, "--all") == 0
    shown = capsys.readouterr().out
    assert "running machines go on" in shown
    assert "shared with nobody now" in shown
    assert permissions(image.id) == []
    assert typed(world, "share", image.id, "--with", "123") == 1
    assert "12 digits" in capsys.readouterr().err
