"""EC2's own error codes, raised so that botocore turns them into a ClientError."""

import re
from collections.abc import Mapping

from moto.ec2.exceptions import DryRunClientError, EC2ClientError

_KINDS = {
    "ami": ("InvalidAMIID", "InvalidAMIID", "The image id '[{}]' does not exist"),
    "i": ("InvalidInstanceID", "InvalidInstanceID", "The instance ID '{}' does not exist"),
    "key": ("InvalidKeyPair", "InvalidKeyPairID", "The key pair '{}' does not exist"),
    "sg": ("InvalidGroup", "InvalidGroupId", "The security group '{}' does not exist"),
    "snap": ("InvalidSnapshot", "InvalidSnapshotID", "The snapshot '{}' does not exist."),
    "subnet": ("InvalidSubnetID", "InvalidSubnetID", "The subnet ID '{}' does not exist"),
    "vol": ("InvalidVolume", "InvalidVolumeID", "The volume '{}' does not exist."),
}


def refusal(code: str, message: str) -> Exception:
    """Return the error that EC2 answers with this code."""
    error: Exception = EC2ClientError(code, message)
    return error


class ServerError(EC2ClientError):  # type: ignore[misc]
    """A refusal for which EC2 takes the blame: its status is 500."""

    status = 500


def server_refusal(code: str, message: str) -> Exception:
    """Return the error that EC2 answers with this code when it is at fault itself."""
    return ServerError(code, message)


def not_found(resource_id: str, kind: str) -> Exception:
    """Return EC2's error for an id of this kind (`i`, `ami`, `vol`, ...) that names nothing."""
    missing, malformed, message = _KINDS[kind]
    if not re.fullmatch(rf"{kind}-([0-9a-f]{{8}}|[0-9a-f]{{17}})", resource_id):
        return refusal(f"{malformed}.Malformed", f'Invalid id: "{resource_id}"')
    return refusal(f"{missing}.NotFound", message.format(resource_id))


def invalid_value(value: object, name: str, reason: str = "") -> Exception:
    """Return EC2's error for a parameter whose value it does not take."""
    return refusal("InvalidParameterValue", f"Invalid value '{value}' for {name}. {reason}".strip())


def missing(name: str) -> Exception:
    """Return EC2's error for a parameter that is not there."""
    return refusal("MissingParameter", f"The request must contain the parameter {name}")


def unsupported(what: str) -> Exception:
    """Return the error for what EC2 can do and this sandbox cannot: never silently ignored."""
    return refusal("UnsupportedOperation", f"The sandbox does not support {what}")


def check_dry_run(parameters: Mapping[str, object]) -> None:
    """Stop here, as EC2 does once it has found nothing wrong, if the call is only a trial."""
    if parameters.get("DryRun"):
        raise DryRunClientError


def check_known(parameters: Mapping[str, object], known: set[str]) -> None:
    """Refuse a parameter that would be ignored here but not on EC2."""
    given = {name for name, value in parameters.items() if not is_empty(value)}
    if unknown := sorted(given - known):
        raise unsupported(f"the parameter {unknown[0]} in this call")


def is_empty(value: object) -> bool:
    """Tell whether a value says nothing: Packer sends empty names for what it leaves out."""
    if isinstance(value, Mapping):
        return all(map(is_empty, value.values()))
    return value in ("", None) or value == []
