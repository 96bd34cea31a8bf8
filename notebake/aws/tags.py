"""The tags that identify the resources of a run."""

import datetime

from notebake import clock
from notebake.aws.model import Stack
from notebake.timestamps import utc_from_seconds

PREFIX = "notebake:"
RUN = "notebake:run"
ROLE = "notebake:role"
RECIPE = "notebake:recipe"
EXPIRES = "notebake:expires"
LAUNCH = "notebake:launch"
NUMBER = "notebake:number"
TOKEN = "notebake:token"  # noqa: S105
"""The client token of the launch: "launch more like this" copies the tag, but not the token."""
BUILDER = "notebake:builder"
"""On an image and its snapshots: the id of their source instance."""
BASE_IMAGE = "notebake:base-image"
"""On an image: the image from which its builder was launched."""
EFS = "notebake:efs"
"""On an image: where machines with a role mount file systems on EFS, blanks between."""
VOLUME = "notebake:volume"
"""On a snapshot that was taken ahead of an image: the volume, which a copy of it has not."""
LOST = "notebake:lost"
"""On a machine that never became reachable: the reason. It is replaced."""
KEEP = "notebake:keep"
"""Set by a person, with any value: no sweep removes the resource."""
SEALED = "notebake:sealed"
SEALING = "sealing"
BAKED = "notebake:baked"
"""On a builder that was started again: the image that was requested before."""
RESTARTED = "notebake:restarted"
"""On an image whose builder passed the checks after its restart: the digest of its inputs."""
ACCEPTED = "notebake:accepted"
RECORD = "notebake:record"
"""On an accepted image: the number and the hash of the last entry of its run's record then."""
COPY_OF = "notebake:copy-of"
"""On a copy of an image, and on its snapshots: the image that was copied."""
COPY_FROM = "notebake:copy-from"
"""Likewise: the region of that image."""
COPY_VERIFIED = "notebake:copy-verified"
"""On a copy: when it was like its source. Machines from the source have passed the test; none from
the copy, which therefore does not carry the tag of acceptance."""
CURRENT = "notebake:current"
"""On an image that is current, or was: `yes` or `no`. It follows the pointer in the run store."""
REVOKED = "notebake:revoked"
"""On an image that must not be a base or current any more: when it was revoked."""
SERVER = "notebake:server"
"""On a machine started from an image for a person, and on what belongs to it: its name."""
OWNER = "notebake:owner"
"""On a server: the person."""
LOGIN = "notebake:login"
"""On a server: the user of its logins."""
JUPYTER_PORT = "notebake:jupyter-port"
"""On a server: the loopback port of its JupyterLab of ours, asked of it at its first opening."""
HOST_KEY = "notebake:host-key"
"""On a server: its public host key, read from its console at its first start."""
IDLE = "notebake:idle-minutes"
"""On a server: after how many minutes without use it stops; 0: never."""
DAILY_END = "notebake:daily-end"
"""On a server: the local time at which it stops each day, as `19:00 America/Los_Angeles`."""
HARD_END = "notebake:hard-end"
"""On a server: when it stops (UTC) whatever it does. Beside a daily end on the day of 25 hours."""
KEEP_UNTIL = "notebake:keep-until"
"""On a server: until when (UTC) it stops neither for idleness nor for the daily end."""
DAILY_END_SET = "notebake:daily-end-set"
"""On a server that was there already: when (UTC) its daily end was changed."""
SCHEDULER_ROLE = "notebake:scheduler-role"
"""On a server: the role by which its ends stand outside of it, too; empty or absent: none."""
RUNS = "notebake:runs"
"""On a server: how long its earlier runs lasted, at least and at most; written at each start."""
DISKS = "notebake:disks"
"""On a server: its disks besides those of the image, as `NAME@DEVICE@MOUNT`, blanks between."""
ELASTIC_ADDRESS = "notebake:elastic-address"
"""On a server: the allocation id of its elastic address."""
SERVER_VOLUME = "notebake:server-volume"
"""On a volume that outlives the servers of its owner: its name."""
MOUNT = "notebake:mount"
"""On such a volume: where servers mount it."""
SHARED_RECORD = "ec2:SharedTag/notebake:record"
"""The same for the accounts with which the image is shared: they see tags with this prefix
(announced 2026-10: "AMI tag sharing"), and no others."""


def tags_for(stack: Stack, role: str, **more: str) -> dict[str, str]:
    """Return all tags for a resource of a stack: the user's, ours, and the expiry (UTC).

    The expiry of an image is removed when it is accepted.
    """
    tags = {"Name": f"notebake {stack.id}", **stack.user_tags}
    tags |= {RUN: stack.id, ROLE: role, RECIPE: stack.recipe_name}
    return tags | {EXPIRES: as_tag(ends_at(stack))} | more


def ends_at(stack: Stack) -> datetime.datetime:
    """Return the expiry of a stack's resource that is created or renewed now."""
    return utc_from_seconds(clock.now()) + datetime.timedelta(hours=stack.lease_hours)


def is_ours(key: str) -> bool:
    """Return whether a tag is one of ours that never changes: all but the expiry."""
    return key.startswith(PREFIX) and key != EXPIRES


def as_tag(moment: datetime.datetime) -> str:
    """Return a timestamp as the value of a tag."""
    return moment.isoformat(timespec="seconds")


def as_list(tags: dict[str, str]) -> list[dict[str, str]]:
    """Return tags as a list in EC2's format."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def as_dict(tags: list[dict[str, str]] | None) -> dict[str, str]:
    """Return tags from a list in EC2's format."""
    return {tag["Key"]: tag["Value"] for tag in tags or []}


def specifications(tags: dict[str, str], *kinds: str) -> list[dict[str, object]]:
    """Return the TagSpecifications with the tags for each kind of resource."""
    return [{"ResourceType": kind, "Tags": as_list(tags)} for kind in kinds]
