"""The names of servers and of their owners, and what derives from them."""

import re

from notebake.aws.account import Caller
from notebake.errors import NotebakeError
from notebake.record import digest_of
from notebake.runs.idempotency import client_token

NAME = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
LONGEST_OWNER = 64
NOT_IN_NAMES = re.compile(r"[^a-z0-9]+")
GENERATED_SESSION = re.compile(
    r"(?:botocore-session|aws-go-sdk|aws-sdk-js|aws-sdk-java|aws-sdk-php|aws-dotnet-sdk-session)-\d+"
    r"|\d{19}"
)
"""What AWS's SDKs call the session of a role where nobody has named it: another each time.

botocore 1.44.5, credentials.py, `_generate_assume_role_name`; the other SDKs in their providers of
AssumeRole: https://github.com/aws/aws-sdk-go-v2, credentials/stscreds/assume_role_provider.go, and
its namesakes. That of version 1 for Go is a number of nanoseconds since 1970, of 19 digits, alone.
"""
TYPES = {"arm64": "t4g.large", "x86_64": "t3.large"}
"""The instance type for each architecture, where none was named: 2 vCPUs, 8 GiB."""
NAME_RULE = "A name has 1 to 32 of a-z, 0-9 and hyphens, none of them first or last."


def check_name(name: str) -> str:
    """Return the name of a server.

    Raises:
        NotebakeError: it is none; the hint says what a name is.
    """
    if NAME.fullmatch(name):
        return name
    meant = NOT_IN_NAMES.sub("-", name.lower())[:32].strip("-")
    hint = f"{NAME_RULE} Such as: {meant}" if meant else NAME_RULE
    raise NotebakeError(f"{name!r} cannot be the name of a server.", hint)


def owner_of(caller: Caller) -> str:
    """Return who owns what these credentials start, the same at each command.

    It is the name of a user, or that of the session of a role, which single sign-on sets to the
    person's address; where the session has a generated name, it is the name of the role.
    """
    before, _, name = caller.arn.rpartition("/")
    if GENERATED_SESSION.fullmatch(name):
        name = before.rpartition("/")[2]
    return name.rpartition(":")[2][:LONGEST_OWNER]


def group_name(owner: str, name: str) -> str:
    """Return the name of a server's security group; unique in its VPC.

    The digest keeps owners apart whose names would read the same.
    """
    return f"notebake server {name} {digest_of(owner, name)[:8]}"


def launch_token(owner: str, name: str, image_id: str, place: str, epoch: int) -> str:
    """Return the client token of a launch, the same on every computer: 64 characters.

    A token outlives its machine, so another epoch makes another request.
    """
    return client_token(f"server {name} of {owner}", image_id, epoch, place)


def default_name(image: str) -> str:
    """Return the name of a server for which none was given: that of what it is started from."""
    return NOT_IN_NAMES.sub("-", image.lower())[:32].strip("-") or "server"


def default_type(architecture: str) -> str:
    """Return the instance type of a server for which none was given."""
    return TYPES.get(architecture, TYPES["x86_64"])
