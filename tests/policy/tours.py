"""Whole runs in one process, for all that a recipe can ask for, and which policies each needs."""

import os
from collections.abc import Callable
from dataclasses import dataclass

from notebake.aws.clients import connect
from notebake.recipe import Encryption, EncryptionMode, Network, Recipe, Volume
from sandbox.faults.fault import read_fault
from tests.key_policies import letting, new_key
from tests.kills import whole_run
from tests.kills.scripted_work import CONTENT
from tests.kills.world import World
from tests.policy.judge import ACCOUNT, USER
from tests.preflight_world import blocked_public_access, excluded_from_block

OTHER = "321098765432"
"""An account with which an image is shared when it is accepted."""
ROLE_SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/notebake-builder/ada"
SERVERS = "servers"
"""The part of a tour in which somebody uses a server."""
BUCKET, PREFIX, DATA_BUCKET = "runs", "bakes", "others"
PLAIN = whole_run.make_recipe().model_copy(
    update={
        "volumes": (Volume(name="data", mount_point="/data", size_gib=1),),
        "datasets": (),
        "share_with": (),
        "scheduler_role": None,
    }
)


@dataclass(frozen=True)
class Tour:
    """One recipe, what the account has before, and the policies that are enough for it."""

    recipe: Callable[[World], Recipe]
    """Makes what the recipe names, too."""
    policies: tuple[str, ...]
    resumed_after: tuple[str, ...] = ()
    """The run is taken up by another process after the first call of each name."""
    is_remote: bool = False
    caller: str = USER
    of_user: tuple[str, ...] = ()
    """The policies of whoever only uses a server from its image; none: nobody does."""

    @property
    def location(self) -> str:
        """Where its run store lies."""
        return f"s3://{BUCKET}/{PREFIX}" if self.is_remote else os.environ["NOTEBAKE_RUNS"]


def starting_from_what_is_there(world: World) -> Recipe:
    """A network of one's own, open in a VPC block, and a disk from a snapshot."""
    world.give_users_volume(whole_run.USERS_VOLUME)
    ec2 = connect("ec2", PLAIN.region)
    copied = ec2.create_snapshot(VolumeId=whole_run.USERS_VOLUME)["SnapshotId"]
    world.history.users_own.add(copied)
    world.clock.advance(600)
    subnets = ec2.describe_subnets()["Subnets"][:2]
    exclusion = excluded_from_block(f"vpc/{subnets[0]['VpcId']}")
    world.application.interceptors += [blocked_public_access(), exclusion]
    network = Network(
        vpc_id=subnets[0]["VpcId"],
        subnet_ids=tuple(subnet["SubnetId"] for subnet in subnets),
        ssh_from=PLAIN.network.ssh_from,
    )
    old = Volume(name="old", mount_point="/old", size_gib=5, snapshot_id=copied)
    return PLAIN.model_copy(update={"network": network, "volumes": (*PLAIN.volumes, old)})


def with_everything_on_s3(world: World) -> Recipe:
    """The kill sweep's recipe: an existing volume, data on S3, a schedule, a shared image."""
    world.give_users_volume(whole_run.USERS_VOLUME)
    s3 = connect("s3", "us-east-1")
    for bucket in (BUCKET, DATA_BUCKET):
        s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=DATA_BUCKET, Key="sst.nc", Body=CONTENT)
    hangs = {"name": "hangs", "effect": "attach_hangs", "action": "AttachVolume", "times": 1}
    world.application.injector.add(read_fault(hangs))
    return whole_run.make_recipe()


def encrypted_and_shared(_: World) -> Recipe:
    """Disks with a key that the recipe names and others may use, as they may use the image."""
    key_id = new_key(PLAIN.region, [letting({"AWS": OTHER})])
    mode = Encryption(mode=EncryptionMode.KMS, kms_key_id=key_id)
    return PLAIN.model_copy(update={"encryption": mode, "share_with": ("210987654321",)})


def encrypted_by_the_account(_: World) -> Recipe:
    """The account encrypts all with a key of its own, and the image is shared."""
    key_id = connect("kms", PLAIN.region).create_key(KeyUsage="ENCRYPT_DECRYPT")["KeyMetadata"][
        "Arn"
    ]
    ec2 = connect("ec2", PLAIN.region)
    ec2.enable_ebs_encryption_by_default()
    ec2.modify_ebs_default_kms_key_id(KmsKeyId=key_id)
    return PLAIN.model_copy(update={"share_with": ("210987654321",)})


TOURS = {
    "plain": Tour(
        starting_from_what_is_there,
        ("policy",),
        resumed_after=("CreateSecurityGroup", "RunInstances", "CreateImage", "DeleteTags"),
    ),
    "everything": Tour(
        with_everything_on_s3,
        (
            *("policy", "policy-datasets", "policy-existing-volume", "policy-s3-store"),
            *("policy-scheduler", "policy-sharing", "policy-record-key", "policy-copying"),
        ),
        resumed_after=("RunInstances", "DeleteTags"),
        is_remote=True,
        caller=ROLE_SESSION,
    ),
    "key": Tour(
        encrypted_and_shared,
        (
            *("policy", "policy-encryption-key", "policy-pointer", "policy-sharing"),
            "policy-copying",
        ),
        # The disks of this image are encrypted with a key.
        of_user=("policy-use", "policy-encryption-key"),
    ),
    "default key": Tour(
        encrypted_by_the_account,
        ("policy", "policy-encryption-key", "policy-prune", "policy-sharing"),
    ),
}
