"""All resources in the account that carry a run's tag, or belong to a run by id."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from notebake.aws.clients import calling, connect
from notebake.aws.kinds import INSTANCE, KINDS, Kind, list_by_ids, list_kind
from notebake.aws.model import Resource
from notebake.aws.permissions import needs
from notebake.aws.policies import DESCRIBE
from notebake.aws.resource_record import as_resource
from notebake.aws.server_calls import LOOK, SERVERS
from notebake.aws.shared_describe import BY_RUN, describe_shared


def list_resources(region: str, run_id: str = "") -> list[Resource]:
    """Return all resources in a region with a run's tag, except terminated instances."""
    found: list[Resource] = []
    for kind in KINDS:
        described = (
            describe_shared(region, kind, BY_RUN, run_id)
            if run_id
            else list_kind(region, kind, BY_RUN, ["*"])
        )
        found += _as_resources(region, kind, described)
    return _with_images(found)


def list_kept(region: str, run_ids: Mapping[str, str], tokens: Mapping[str, str]) -> list[Resource]:
    """Return the resources with recorded ids or client tokens, and their parts, by any tags.

    `run_ids` maps resource ids to run ids, `tokens` the client tokens of launches.
    """
    launched = list_kind(region, INSTANCE, "client-token", list(tokens))
    found = [
        *_of_runs(
            _as_resources(region, INSTANCE, launched), lambda instance: tokens[instance.token]
        ),
        *_of_runs(_by_id(region, run_ids), lambda resource: run_ids[resource.id]),
    ]
    whose = {part: resource.run_id for resource in found for part in resource.parts}
    found += _of_runs(_by_id(region, whose), lambda part: whose[part.id])
    return _with_images(list({resource.id: resource for resource in found}.values()))


def _by_id(region: str, ids: Iterable[str]) -> Iterator[Resource]:
    for kind in KINDS:
        wanted = [resource_id for resource_id in ids if resource_id.startswith(kind.prefix)]
        yield from _as_resources(region, kind, list_by_ids(region, kind, wanted))


def _of_runs(found: Iterable[Resource], whose: Callable[[Resource], str]) -> list[Resource]:
    return [resource.model_copy(update={"run_id": whose(resource)}) for resource in found]


def with_users(region: str, found: list[Resource]) -> list[Resource]:
    """Return the resources with the users of each key pair and security group as its owners.

    Users are all instances, also those without our tag: "launch more like this" creates them.
    """
    keys = [resource.name for resource in found if resource.kind == "key pair"]
    groups = [resource.id for resource in found if resource.kind == "security group"]
    users = _users(region, "key-name", keys) | _users(region, "instance.group-id", groups)
    by_key = {"key pair": "name", "security group": "id"}
    return [
        resource.model_copy(
            update={"owners": tuple(sorted(users.get(getattr(resource, field), set())))}
        )
        if (field := by_key.get(resource.kind))
        else resource
        for resource in found
    ]


@needs("ec2:DescribeRegions", DESCRIBE, by_check=True)
@needs("ec2:DescribeRegions", LOOK, only_for=SERVERS)
def enabled_regions(region: str) -> tuple[str, ...]:
    """Return every region that is enabled for the account, queried in the given one."""
    with calling(f"list the regions of the account ({region})"):
        found = connect("ec2", region).describe_regions()["Regions"]
    return tuple(sorted(str(region["RegionName"]) for region in found))


def _users(region: str, name: str, values: list[str]) -> dict[str, set[str]]:
    """Return the ids of the instances that use each key pair (by name) or group (by id)."""
    users: dict[str, set[str]] = {}
    for instance in list_kind(region, INSTANCE, name, values):
        if instance["State"]["Name"] != "terminated":
            groups = [group["GroupId"] for group in instance.get("SecurityGroups", [])]
            for used in {instance.get("KeyName", ""), *groups} & set(values):
                users.setdefault(used, set()).add(instance["InstanceId"])
    return users


def _as_resources(region: str, kind: Kind, described: list[dict[str, Any]]) -> Iterator[Resource]:
    for description in described:
        resource = as_resource(kind.name, description, description[kind.id_field], region)
        if (resource.kind, resource.state) != ("instance", "terminated"):
            yield resource


def _with_images(found: list[Resource]) -> list[Resource]:
    """Return the resources with the image of each snapshot as its owner."""
    images = {resource.id: resource for resource in found if resource.kind == "image"}
    return [
        resource.model_copy(
            update={
                "owners": tuple(id for id, image in images.items() if resource.id in image.parts)
            }
        )
        if resource.kind == "snapshot"
        else resource
        for resource in found
    ]
