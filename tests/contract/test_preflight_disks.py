"""Preflight checks of disks, keys and the run store."""

import pytest

from notebake.aws.clients import connect
from notebake.preflight.finding import CheckResult
from notebake.recipe import Efs, Encryption, EncryptionMode, Recipe, Volume
from notebake.runs.run import Run
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tests.cloud_world import RECIPE, REGION, CloudWorld
from tests.preflight_world import RewrittenAnswer, denies, s3_refusal, sentences


def run_of(world: CloudWorld, **changes: object) -> Run:
    return world.new_run(RECIPE.model_copy(update=changes))


def with_key(key_id: str, **changes: object) -> Recipe:
    encryption = Encryption(mode=EncryptionMode.KMS, kms_key_id=key_id)
    return RECIPE.model_copy(update={"encryption": encryption, **changes})


def new_key() -> str:
    return str(connect("kms", REGION).create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"]["Arn"])


def test_a_snapshot_that_is_larger_than_its_disk_is_wrong(world: CloudWorld) -> None:
    disk = world.ec2.describe_images()["Images"][0]["BlockDeviceMappings"][0]["Ebs"]
    made, size_gib = disk["SnapshotId"], disk["VolumeSize"]
    small = Volume(name="data", mount_point="/data", size_gib=1, snapshot_id=made)
    fitting = small.model_copy(update={"size_gib": size_gib})

    assert f"{made} is completed and has {size_gib} GiB" in sentences(
        run_of(world, volumes=(small,)), CheckResult.WRONG
    )
    assert f"{made} is complete." in sentences(
        run_of(world, volumes=(fitting,)), CheckResult.GOOD, "disks", "run_store"
    )


def test_a_missing_volume_is_wrong(world: CloudWorld) -> None:
    volume = Volume(name="data", mount_point="/data", volume_id="vol-0123456789abcdef0")

    assert "InvalidVolume.NotFound" in sentences(
        run_of(world, volumes=(volume,)), CheckResult.WRONG, "disks", "run_store"
    )


def test_efs_is_named_and_not_checked(world: CloudWorld) -> None:
    efs = Efs(file_system_id="fs-0123456789abcdef0", mount_point="/shared")

    assert "EFS fs-0123456789abcdef0 at /shared: whether it is there" in sentences(
        run_of(world, efs=(efs,)), CheckResult.NOT_CHECKED, "disks", "run_store"
    )


def test_a_shared_image_must_not_use_the_aws_managed_key(world: CloudWorld) -> None:
    shared = run_of(world, share_with=("123456789012",))
    assert "encrypts new disks only on request" in sentences(
        shared, CheckResult.GOOD, "disks", "run_store"
    )

    world.ec2.enable_ebs_encryption_by_default()

    assert "cannot be shared" in sentences(shared, CheckResult.WRONG, "disks", "run_store")
    assert "encrypts every new disk" in sentences(
        world.new_run(), CheckResult.GOOD, "disks", "run_store"
    )


def test_a_customer_managed_default_key_may_be_shared_if_its_policy_allows(
    world: CloudWorld,
) -> None:
    key_id = new_key()
    world.ec2.enable_ebs_encryption_by_default()
    world.ec2.modify_ebs_default_kms_key_id(KmsKeyId=key_id)
    shared = run_of(world, share_with=("123456789012",))

    assert "with a key of its own" in sentences(shared, CheckResult.GOOD, "disks", "run_store")
    assert "depends on its policy" in sentences(
        shared, CheckResult.NOT_CHECKED, "disks", "run_store"
    )
    with world.intercepting(denies("DescribeKey")) as refuses:
        assert "describe the key" in sentences(
            shared, CheckResult.NOT_CHECKED, "disks", "run_store"
        )
    assert refuses.fired == 1


def test_an_enabled_key_is_good_and_its_use_is_not_checked(world: CloudWorld) -> None:
    key_id = new_key()
    run = world.new_run(with_key(key_id))

    assert f"The key {key_id} is enabled." in sentences(run, CheckResult.GOOD, "disks", "run_store")
    assert "may encrypt disks with" in sentences(run, CheckResult.NOT_CHECKED, "disks", "run_store")


@pytest.mark.parametrize(
    ("pattern", "instead", "message"),
    [
        ('"KeyState": ?"Enabled"', '"KeyState": "Disabled"', "is in the state Disabled"),
        ('"KeyUsage": ?"ENCRYPT_DECRYPT"', '"KeyUsage": "SIGN_VERIFY"', "is for SIGN_VERIFY"),
        ('"KeyManager": ?"CUSTOMER"', '"KeyManager": "AWS"', "no other account can use"),
    ],
    ids=["disabled", "for signatures", "AWS's own"],
)
def test_an_unusable_key_is_wrong(
    pattern: str, instead: str, message: str, world: CloudWorld
) -> None:
    run = world.new_run(with_key(new_key(), share_with=("123456789012",)))
    with world.intercepting(RewrittenAnswer("DescribeKey", pattern, instead)) as rewrites:
        assert message in sentences(run, CheckResult.WRONG, "disks", "run_store")

    assert rewrites.fired == 1


def test_a_missing_key_is_wrong_and_a_hidden_one_is_not_checked(
    world: CloudWorld,
) -> None:
    run = world.new_run(with_key("alias/nobody"))

    assert "alias/nobody" in sentences(run, CheckResult.WRONG, "disks", "run_store")
    with world.intercepting(denies("DescribeKey")) as refuses:
        assert "alias/nobody" in sentences(run, CheckResult.NOT_CHECKED, "disks", "run_store")
    assert refuses.fired == 1


def on_s3(world: CloudWorld, bucket: str) -> Run:
    return world.new_run().model_copy(update={"store": f"s3://{bucket}/runs"})


def keys_of(bucket: str) -> list[str]:
    found = connect("s3", "us-east-1").list_objects_v2(Bucket=bucket).get("Contents", [])
    return [tag["Key"] for tag in found]


def test_a_run_store_on_s3_is_tested_by_writing_and_deleting(world: CloudWorld) -> None:
    connect("s3", "us-east-1").create_bucket(Bucket="our-runs")
    run = on_s3(world, "our-runs")

    assert "run store s3://our-runs/runs supports conditional writes" in sentences(
        run, CheckResult.GOOD, "disks", "run_store"
    )
    assert "ssm:PutParameter" in sentences(run, CheckResult.NOT_CHECKED, "permissions")
    assert keys_of("our-runs") == []


def test_a_missing_bucket_is_wrong(world: CloudWorld) -> None:
    assert "The run store cannot be used" in sentences(
        on_s3(world, "nobody-s"), CheckResult.WRONG, "disks", "run_store"
    )


def test_a_run_store_without_delete_permission_is_wrong(world: CloudWorld) -> None:
    connect("s3", "us-east-1").create_bucket(Bucket="our-kept-runs")
    fired: list[str] = []

    class KeepsAll:
        def before(self, call: Call) -> Reply | None:
            if not call.action.startswith("DELETE "):
                return None
            fired.append(call.action)
            return Reply(403, [("Content-Type", "text/xml")], s3_refusal("AccessDenied").encode())

        def after(self, call: Call, reply: Reply) -> Reply:
            del call
            return reply

    with world.intercepting(KeepsAll()):
        findings = sentences(on_s3(world, "our-kept-runs"), CheckResult.WRONG, "disks", "run_store")

    assert len(fired) == 1
    assert "s3:DeleteObject" in findings
