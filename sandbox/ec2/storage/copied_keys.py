"""With which key a copy of a snapshot is encrypted.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CopyImage.html
"""

from sandbox.ec2.errors import ec2_error
from sandbox.ec2.model import Params, Snapshot
from sandbox.ec2.state.region import Region
from sandbox.ec2.storage.block_devices import key_in_force
from sandbox.ec2.storage.keys import find_usable_key


def copied_key(
    region: Region, origin: Region, source: Snapshot, parameters: Params
) -> tuple[bool, str | None]:
    """Return whether the copy is encrypted, and its key: None if EBS cannot use it, or without.

    Raises:
        EC2's error for parameters that contradict each other or the source.
    """
    asked, key_id = parameters.get("Encrypted"), parameters.get("KmsKeyId")
    if key_id and not asked:
        # "If you specify a KMS key, you must also set the encrypted state to true."
        message = "The parameter KmsKeyId requires the parameter Encrypted to be set."
        raise ec2_error("InvalidParameterDependency", message)
    if asked is False and source.encrypted:
        # "You cannot create an unencrypted copy of an encrypted snapshot."
        message = "An unencrypted copy of an encrypted snapshot can't be created."
        raise ec2_error("InvalidParameterValue", message)
    if not (asked or source.encrypted or region.network.ebs_encryption_by_default):
        return False, None
    if key_id:
        return True, find_usable_key(region, key_id)
    if source.encrypted and not asked and origin is region:
        # "copying it results in an identical target snapshot that is encrypted by the same key":
        # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/CopyingAMIs.html
        return True, source.kms_key_id
    return True, key_in_force(region)
