"""Existing disks and snapshots, and the encryption of new disks."""

from collections.abc import Iterable

from notebake.aws import account
from notebake.aws.instances import ENCRYPT_DISKS, LET_DISKS_USE_KEY
from notebake.aws.keys import is_aws_managed, key_faults
from notebake.aws.permissions import allowed_by
from notebake.aws.volumes import describe_volumes
from notebake.errors import CloudError
from notebake.preflight.finding import UNANSWERED_CODES, Finding, good, not_checked, wrong
from notebake.recipe import EncryptionMode
from notebake.runs.run import Run


def check_disks(run: Run) -> Iterable[Finding]:
    """Check that volumes are usable, and snapshots complete and not larger than the disk."""
    region = run.recipe.region
    for volume in run.recipe.start_volumes:
        if volume.volume_id:
            state = describe_volumes([volume.volume_id], region)[0]["State"]
            is_usable = state in {"available", "in-use"}
            yield (good if is_usable else wrong)(f"{volume.volume_id} is {state}.")
        if volume.snapshot_id:
            found = account.describe_snapshots([volume.snapshot_id], region)[0]
            if found["State"] != "completed" or found["VolumeSize"] > volume.size_gib:
                yield wrong(
                    f"{volume.snapshot_id} is {found['State']} and has"
                    f" {found['VolumeSize']} GiB; the recipe gives it {volume.size_gib}."
                )
            else:
                yield good(f"{volume.snapshot_id} is complete.")


def check_efs(run: Run) -> Iterable[Finding]:
    """Say of each file system on EFS what a bake makes of it: a line in fstab."""
    for efs in run.recipe.efs:
        yield not_checked(
            f"EFS {efs.file_system_id} at {efs.mount_point}: whether it is there, and whether"
            " servers reach it. A bake puts it into fstab and does not mount it.",
        )


def check_default_encryption(run: Run) -> Iterable[Finding]:
    """Check that the account's setting does not encrypt a shared image with AWS's own key.

    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html
    """
    recipe = run.recipe
    if not account.is_encrypted_by_default(recipe.region):
        yield good("The account encrypts new disks only on request.")
        return
    if not recipe.share_with or recipe.encryption.mode is EncryptionMode.KMS:
        yield good("The account encrypts every new disk.")
        return
    key_id = account.default_key(recipe.region)
    if is_aws_managed(key_id, recipe.region):
        yield wrong(
            f"This account encrypts every disk in {recipe.region} with its default key {key_id},"
            " and an image encrypted so cannot be shared.",
            "Set encryption mode kms with a key of your own, or empty share_with.",
        )
    else:
        yield good(f"The account encrypts every new disk with a key of its own, {key_id}.")
        yield not_checked(f"Whether those in share_with may use {key_id} depends on its policy.")


def check_key(run: Run) -> Iterable[Finding]:
    """Check that the recipe's key can encrypt disks, and can be shared if necessary."""
    recipe = run.recipe
    key_id = recipe.encryption.kms_key_id
    if key_id is None:
        return
    try:
        key = account.describe_key(key_id, recipe.region)
    except CloudError as error:
        if error.code in UNANSWERED_CODES or error.is_transient:
            raise
        yield wrong(error.message, error.hint)
        return
    faults = list(key_faults(key))
    if recipe.share_with and key.get("KeyManager") == "AWS":
        faults.append("is AWS's own, which no other account can use")
    if faults:
        yield wrong(f"The key {key_id} {' and '.join(faults)}.", "Name another encryption key.")
        return
    yield good(f"The key {key_id} is enabled.")
    yield not_checked(
        f"Whether these credentials may encrypt disks with {key_id} shows at launch:"
        f" {', '.join(allowed_by(LET_DISKS_USE_KEY, ENCRYPT_DISKS))}."
    )
