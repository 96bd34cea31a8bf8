"""The keys that sign checkpoints of the record, as SecureStrings of Systems Manager.

They lie apart from the keys of runs: who may write a run store need not be able to sign its record.
"""

from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.policies import RECORD_KEY, Statement
from notebake.errors import CloudError

PREFIX = "/notebake-record/"
KEEP = Statement(
    RECORD_KEY,
    "KeepTheRecordsKey",
    "the key that signs checkpoints, as a SecureString",
    (f"arn:*:ssm:*:*:parameter{PREFIX}*",),
)
HISTORY = "`notebake history`"
DESCRIPTION = "Signs checkpoints of notebake's record; only who seals the record may read it"


def key_parameter(name: str) -> str:
    """Return the name of the parameter of a key."""
    return f"{PREFIX}{name}"


@needs("ssm:GetParameter", KEEP, only_for=HISTORY)
def read_key(name: str, region: str) -> str | None:
    """Return a key; None if there is none."""
    try:
        with calling(f"read {key_parameter(name)}"):
            answer = connect("ssm", region).get_parameter(
                Name=key_parameter(name), WithDecryption=True
            )
    except CloudError as error:
        if error.code == "ParameterNotFound":
            return None
        raise
    return str(answer["Parameter"]["Value"])


def create_key(name: str, value: str, region: str) -> None:
    """Store a key unless there is one: then that stays."""
    try:
        _put(name, value, region, overwrites=False)
    except CloudError as error:
        if error.code not in {"ParameterAlreadyExists", "TooManyUpdates"}:
            raise


def overwrite_key(name: str, value: str, region: str) -> None:
    """Store a key in the place of another one; Systems Manager keeps that in its history."""
    _put(name, value, region, overwrites=True)


@needs("ssm:PutParameter", KEEP, only_for=HISTORY)
def _put(name: str, value: str, region: str, *, overwrites: bool) -> None:
    with calling(f"store {key_parameter(name)}"):
        connect("ssm", region).put_parameter(
            Name=key_parameter(name),
            Description=DESCRIPTION,
            Value=value,
            Type="SecureString",
            Tier="Standard",
            Overwrite=overwrites,
        )
