"""What EC2 asks KMS in the caller's name, where disks are encrypted with a key of one's own.

https://docs.aws.amazon.com/ebs/latest/userguide/ebs-encryption-requirements.html ("Permissions for
IAM users"): a volume that is made or attached with a key needs all of these of whoever asks for it.
"""

from collections.abc import Iterator

from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.storage.keys import EBS_ALIAS, default_key
from sandbox.messages.call import Call
from tests.policy.judge import Request, Thing

USING = (
    *("CreateGrant", "Decrypt", "DescribeKey", "GenerateDataKeyWithoutPlaintext"),
    *("ReEncryptFrom", "ReEncryptTo"),
)
ATTACHING = ("AttachVolume", "CopyImage", "RunInstances", "StartInstances")


def key_requests_of(call: Call, cloud: Cloud) -> Iterator[Request]:
    """Yield what is asked for each key of the account's own that a call makes disks with."""
    if call.operation not in ATTACHING:
        return
    context = {"kms:ViaService": f"ec2.{call.region}.amazonaws.com"}
    for key_id in sorted(_keys(call, cloud)):
        thing = Thing("key", key_id.rpartition("/")[2])
        for name in USING:
            more = {"kms:GrantIsForAWSResource": "true"} if name == "CreateGrant" else {}
            yield f"kms:{name}", (thing,), context | more


def _keys(call: Call, cloud: Cloud) -> set[str]:
    """Return the keys of the disks that a call makes or attaches, but for AWS's own."""
    region, parameters = cloud.region(call.region), call.parameters
    found = {text for key, text in parameters.items() if key.split(".")[-1] == "KmsKeyId"}
    image = region.images.get(parameters.get("ImageId", parameters.get("SourceImageId", "")))
    snapshots = [line.snapshot_id for line in image.mapping] if image else []
    found |= {
        str(region.snapshots[snapshot_id].kms_key_id or "")
        for snapshot_id in snapshots
        if snapshot_id in region.snapshots
    }
    instances = [text for key, text in parameters.items() if key.startswith("InstanceId")]
    disks = [volume for each in instances for volume in region.volumes_of(each)]
    disks += (
        [region.volumes[parameters["VolumeId"]]]
        if parameters.get("VolumeId") in region.volumes
        else []
    )
    found |= {str(disk.kms_key_id or "") for disk in disks}
    return found - {"", EBS_ALIAS, default_key(region)}
