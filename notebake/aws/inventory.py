"""What of ours is in the account: every kind of resource that carries a run's tag."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.kinds import INSTANCE, KINDS, Kind, list_kind
from notebake.aws.model import Resource
from notebake.aws.permissions import needs
from notebake.aws.policies import LOOK
from notebake.aws.readings import BY_RUN, look
from notebake.aws.resource_record import as_resource


def list_resources(region: str, run_id: str = "") -> list[Resource]:
    """Return everything in a region that carries a run's tag, terminated instances left out."""
    found: list[Resource] = []
    for kind in KINDS:
        described = (
            look(region, kind, BY_RUN, run_id) if run_id else list_kind(region, kind, BY_RUN, ["*"])
        )
        found += _as_resources(region, kind, described)
    return _with_images(found)


def list_kept(region: str, run_ids: Mapping[str, str], tokens: Mapping[str, str]) -> list[Resource]:
    """Return what is there of kept ids and client tokens, and its parts, whatever the tags say.

    Args:
        region: Where to look.
        run_ids: Whose each id is.
        tokens: Whose each client token of a launch is.
    """
    launched = list_kind(region, INSTANCE, "client-token", list(tokens))
    found = [
        *_of_runs(_as_resources(region, INSTANCE, launched), lambda one: tokens[one.token]),
        *_of_runs(_by_id(region, run_ids), lambda one: run_ids[one.id]),
    ]
    whose = {part: one.run_id for one in found for part in one.parts}
    found += _of_runs(_by_id(region, whose), lambda one: whose[one.id])
    return _with_images(list({one.id: one for one in found}.values()))


def _by_id(region: str, ids: Iterable[str]) -> Iterator[Resource]:
    """Give what is there of these ids."""
    for kind in KINDS:
        wanted = [one for one in ids if one.startswith(kind.prefix)]
        yield from _as_resources(region, kind, list_kind(region, kind, kind.id_filter, wanted))


def _of_runs(found: Iterable[Resource], whose: Callable[[Resource], str]) -> list[Resource]:
    """Return resources, each as that of a run."""
    return [one.model_copy(update={"run_id": whose(one)}) for one in found]


def with_users(region: str, found: list[Resource]) -> list[Resource]:
    """Return the resources, each key pair and security group with the ids of who uses it.

    A machine without our tag counts as well: somebody may have launched more like ours.
    """
    keys = [one.name for one in found if one.kind == "key pair"]
    groups = [one.id for one in found if one.kind == "security group"]
    users = _users(region, "key-name", keys) | _users(region, "instance.group-id", groups)
    by_key = {"key pair": "name", "security group": "id"}
    return [
        one.model_copy(update={"owners": tuple(sorted(users.get(getattr(one, field), set())))})
        if (field := by_key.get(one.kind))
        else one
        for one in found
    ]


@needs("ec2:DescribeRegions", LOOK, by_check=True)
def enabled_regions(region: str) -> tuple[str, ...]:
    """Return every region that the account may use, asked in one of them."""
    with calling(f"list the regions of the account ({region})"):
        found = connect("ec2", region).describe_regions()["Regions"]
    return tuple(sorted(str(one["RegionName"]) for one in found))


def _users(region: str, name: str, values: list[str]) -> dict[str, set[str]]:
    """Return the machines that use a key pair (by name) or a group (by id)."""
    users: dict[str, set[str]] = {}
    for one in list_kind(region, INSTANCE, name, values):
        if one["State"]["Name"] != "terminated":
            groups = [group["GroupId"] for group in one.get("SecurityGroups", [])]
            for used in {one.get("KeyName", ""), *groups} & set(values):
                users.setdefault(used, set()).add(one["InstanceId"])
    return users


def _as_resources(region: str, kind: Kind, described: list[dict[str, Any]]) -> Iterator[Resource]:
    """Give the records of one kind."""
    for one in described:
        resource = as_resource(kind.name, one, one[kind.id_field], region)
        if (resource.kind, resource.state) != ("instance", "terminated"):
            yield resource


def _with_images(found: list[Resource]) -> list[Resource]:
    """Return the resources, each snapshot with the image that stands on it."""
    images = {one.id: one for one in found if one.kind == "image"}
    return [
        one.model_copy(
            update={"owners": tuple(id for id, image in images.items() if one.id in image.parts)}
        )
        if one.kind == "snapshot"
        else one
        for one in found
    ]
