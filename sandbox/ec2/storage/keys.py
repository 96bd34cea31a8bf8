"""The KMS keys of disks. moto keeps the keys themselves."""

import uuid
from typing import Any

from moto.kms.models import Key, kms_backends
from moto.utilities.utils import get_partition

from sandbox.ec2.state.region import Region

EBS_ALIAS = "alias/aws/ebs"
"""What EC2 calls its default key in GetEbsDefaultKmsKeyId; disks show the ARN of the key behind it.
https://docs.aws.amazon.com/cli/latest/reference/ec2/get-ebs-default-kms-key-id.html"""


def default_key(region: Region) -> str:
    """Return the ARN of AWS's own key for the account's disks: what it encrypts is not shared.

    Its id is the same in each sandbox, as snapshots outlive the keys.
    """
    kms = kms_backends[region.account_id][region.name]
    key_id = str(uuid.uuid5(uuid.NAMESPACE_URL, f"{region.account_id} {region.name} {EBS_ALIAS}"))
    if key_id not in kms.keys:
        place = f"arn:{get_partition(region.name)}:kms:{region.name}:{region.account_id}"
        key: Any = Key(None, "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT", "", *_owner(region))
        key.id, key.arn, key.key_manager = key_id, f"{place}:key/{key_id}", "AWS"
        kms.keys[key_id] = key
        kms.create_alias(key_id, EBS_ALIAS)
    return str(kms.keys[key_id].arn)


def find_usable_key(region: Region, key_id: str) -> str | None:
    """Return the ARN of a key by its id, ARN or alias; None if there is none that EBS can use."""
    if key_id.endswith(EBS_ALIAS):
        return default_key(region)
    kms = kms_backends[region.account_id][region.name]
    if key_id.startswith("arn:") and key_id.split(":")[3] != region.name:
        return None
    name = key_id.rpartition(":")[2].removeprefix("key/")
    raw_id = kms.get_key_id_from_alias(name) if name.startswith("alias/") else name
    found = kms.keys.get(raw_id or "")
    is_usable = found and found.key_state == "Enabled" and found.key_spec == "SYMMETRIC_DEFAULT"
    return str(found.arn) if found and is_usable else None


def _owner(region: Region) -> tuple[str, str]:
    return region.account_id, region.name
