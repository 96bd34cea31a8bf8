"""The calls by which a server was made and is ended, put together from what AWS shows of it."""

from collections.abc import Iterator, Mapping
from typing import Any

from notebake.aws import tags
from notebake.aws.networks import ssh_from
from notebake.aws.server_calls import GROUP_DESCRIPTION
from notebake.explanation.call_actions import actions_of_calls
from notebake.explanation.document import Action
from notebake.explanation.filled_parameters import NOTES, YOUR_ADDRESS, Filler
from notebake.explanation.recorded_calls import RecordedCall
from notebake.explanation.server_facts import ServerFacts
from notebake.servers.launch import parameters
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.names import group_name
from notebake.servers.server_disks import disks_of, mapping_of

SET_LATER = frozenset(
    (
        *("Name", tags.SERVER, tags.OWNER, tags.HOST_KEY, tags.KEEP_UNTIL),
        *(tags.RUNS, tags.ELASTIC_ADDRESS, tags.DISKS),
        *(tags.LOGIN, tags.JUPYTER_PORT, tags.DAILY_END_SET),
    )
)
"""Tags that the launch sets from the plan itself, or that a server gets afterwards."""


def creating_group(facts: ServerFacts) -> list[Action]:
    """Return how the server's security group is made, without a rule."""
    server = facts.server
    name = group_name(server.owner, server.name)
    marks = {"Name": name, **_marks(facts), tags.SERVER: server.name, tags.OWNER: server.owner}
    given = {
        "GroupName": name,
        "Description": GROUP_DESCRIPTION,
        "VpcId": facts.vpc_id,
        "TagSpecifications": tags.specifications(marks, "security-group"),
    }
    return call(facts, "CreateSecurityGroup", given, gave=facts.group_id)


def launching(facts: ServerFacts) -> list[Action]:
    """Return the launch, by the same function as `notebake start`."""
    server = facts.server
    plan = LaunchPlan(
        name=server.name,
        owner=server.owner,
        region=server.region,
        image_id=server.image_id,
        instance_type=server.instance_type,
        subnets=(),
        is_public=server.public_address is not None or server.state != "running",
        public_key="",
        disks=tuple(_disks_of_launch(facts)),
        profile=facts.profile,
        tags=_marks(facts),
    )
    given = parameters(plan, facts.group_id, facts.subnet_id, server.client_token)
    given["UserData"] = "file://user-data.txt"
    return call(facts, "RunInstances", given, gave=server.id)


def letting_in(facts: ServerFacts) -> list[Action]:
    """Return how ssh is allowed from the address of one's own computer."""
    given = {"GroupId": facts.group_id, "IpPermissions": [ssh_from(YOUR_ADDRESS)]}
    return call(facts, "AuthorizeSecurityGroupIngress", given, NOTES["IpRanges"][1])


def call(
    facts: ServerFacts,
    operation: str,
    given: Mapping[str, Any],
    note: str = "",
    *,
    gave: str = "",
    service: str = "ec2",
) -> list[Action]:
    """Return what is clicked and typed for one call."""
    one = RecordedCall(
        step="",
        service=service,
        operation=operation,
        region=facts.server.region,
        parameters=dict(given),
        created=(gave,) if gave else (),
    )
    console, typed, *more = actions_of_calls([one], Filler((), {}))
    return [console, typed.model_copy(update={"note": note}), *more]


def _disks_of_launch(facts: ServerFacts) -> Iterator[dict[str, Any]]:
    """Yield the mapping of the disks that were made with the server, besides those of its image."""
    server = facts.server
    for disk in disks_of(server):
        made = facts.disks.get(server.volume_ids.get(disk.device, ""))
        if made and not made.outlives_server:
            yield mapping_of(disk.device, made.size_gib)


def _marks(facts: ServerFacts) -> dict[str, str]:
    marks = facts.server.tags
    return {key: value for key, value in marks.items() if key not in SET_LATER}
