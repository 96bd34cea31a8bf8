"""EC2's errors, by their codes; botocore turns them into a ClientError."""

import re
from collections.abc import Mapping

from moto.ec2.exceptions import DryRunClientError, EC2ClientError

_KINDS = {
    "ami": ("InvalidAMIID", "InvalidAMIID", "The image id '[{}]' does not exist"),
    "eipalloc": (
        "InvalidAllocationID",
        "InvalidAllocationID",
        "The allocation ID '{}' does not exist",
    ),
    "i": ("InvalidInstanceID", "InvalidInstanceID", "The instance ID '{}' does not exist"),
    "key": ("InvalidKeyPair", "InvalidKeyPairID", "The key pair '{}' does not exist"),
    "sg": ("InvalidGroup", "InvalidGroupId", "The security group '{}' does not exist"),
    "snap": ("InvalidSnapshot", "InvalidSnapshotID", "The snapshot '{}' does not exist."),
    "subnet": ("InvalidSubnetID", "InvalidSubnetID", "The subnet ID '{}' does not exist"),
    "vol": ("InvalidVolume", "InvalidVolumeID", "The volume '{}' does not exist."),
}


def ec2_error(code: str, message: str) -> Exception:
    """Return EC2's error with this code."""
    error: Exception = EC2ClientError(code, message)
    return error


class ServerError(EC2ClientError):  # type: ignore[misc]
    """An error of EC2 itself: its status is 500."""

    status = 500


def ec2_server_error(code: str, message: str) -> Exception:
    """Return EC2's error with this code and status 500."""
    return ServerError(code, message)


def not_found(resource_id: str, kind: str) -> Exception:
    """Return EC2's error for an unknown or malformed id of this kind (`i`, `ami`, `vol`, ...)."""
    missing, malformed, message = _KINDS[kind]
    if not re.fullmatch(rf"{kind}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", resource_id):
        return ec2_error(f"{malformed}.Malformed", f'Invalid id: "{resource_id}"')
    return ec2_error(f"{missing}.NotFound", message.format(resource_id))


def invalid_value(value: object, name: str, reason: str = "") -> Exception:
    """Return EC2's error for a parameter with a wrong value."""
    return ec2_error(
        "InvalidParameterValue", f"Invalid value '{value}' for {name}. {reason}".strip()
    )


def missing(name: str) -> Exception:
    """Return EC2's error for a parameter that the request lacks."""
    return ec2_error("MissingParameter", f"The request must contain the parameter {name}")


def unsupported(what: str) -> Exception:
    """Return the error for a feature of EC2 that the sandbox lacks: it ignores none silently."""
    return ec2_error("UnsupportedOperation", f"The sandbox does not support {what}")


def check_dry_run(parameters: Mapping[str, object]) -> None:
    """End a dry run here, as EC2 does when it has found nothing wrong."""
    if parameters.get("DryRun"):
        raise DryRunClientError


def check_known(parameters: Mapping[str, object], known: set[str]) -> None:
    """Raise for a parameter that the sandbox would ignore and EC2 would not."""
    given = {name for name, value in parameters.items() if not is_empty(value)}
    if unknown := sorted(given - known):
        raise unsupported(f"the parameter {unknown[0]} in this call")


def is_empty(value: object) -> bool:
    """Return whether a value is empty: Packer sends an empty value for what it leaves out."""
    if isinstance(value, Mapping):
        return all(map(is_empty, value.values()))
    return value in ("", None) or value == []
