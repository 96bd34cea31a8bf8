"""Launches the machine of a server: one machine for a name, whoever launches it and how often.

Nothing is recorded: the client token derives from owner, name, image, type and place, so that a
repeated launch, also from another computer, returns the first one's machine.
"""

import json
import logging
from collections.abc import Sequence
from typing import Any

from notebake.aws import server_calls, tags
from notebake.aws.instances import GONE, terminate
from notebake.aws.model import Instance
from notebake.errors import CapacityError, CloudError, NotebakeError, WaitTimeoutError
from notebake.servers.find import servers_of, several_error
from notebake.servers.launch_plan import LaunchPlan
from notebake.servers.may_run import saying_what_runs
from notebake.servers.names import launch_token
from notebake.servers.server import Server
from notebake.timeouts import CONSISTENCY_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
MOST_EPOCHS = 100
"""How many machines of a name EC2 may remember as terminated, within the hour or some hours."""
MISMATCH = "IdempotentParameterMismatch"


def user_data(public_key: str) -> str:
    """Return the cloud-config of a server: the key of its person, and nothing secret."""
    return "#cloud-config\n" + json.dumps({"ssh_authorized_keys": [public_key]}) + "\n"


def launch(plan: LaunchPlan, group_id: str) -> Server:
    """Return the server's machine: the one that there is, or a new one in the first zone with room.

    Raises:
        CapacityError: no zone has room; the message names those that were tried.
        CloudError: EC2 refused for another reason.
    """
    tried: list[str] = []
    for subnet in plan.subnets:
        place = f"{plan.instance_type} in {subnet['AvailabilityZone']}"
        try:
            machine = _launch_in(plan, group_id, subnet, place)
        except CapacityError as error:
            log.warning("No room for %s: %s", place, error.code)
            tried.append(f"{place} ({error.code})")
        else:
            with saying_what_runs(plan, machine):
                return settle(plan, machine)
    raise CapacityError(
        f"AWS has no room for the server at present. Tried: {'; '.join(tried)}.",
        "Try again in a while, or with another type: --type TYPE",
    )


def _launch_in(plan: LaunchPlan, group_id: str, subnet: dict[str, str], place: str) -> str:
    """Return the id of the machine in one place that is not terminated."""
    for epoch in range(MOST_EPOCHS):
        token = launch_token(plan.owner, plan.name, plan.image_id, place, epoch)
        try:
            machine = server_calls.request_server(
                plan.region, parameters(plan, group_id, subnet["SubnetId"], token)
            )
        except CloudError as error:
            check_profile(error, plan)
            if error.code != MISMATCH:
                raise
            # It was launched with other options: elsewhere just now, or before it was terminated.
            if (found := _machine_of(token, plan)) and found.state not in GONE:
                log.info("The server %s is being started with other options elsewhere", plan.name)
                return found.id
            continue
        if machine.state not in GONE:
            return machine.id
    raise NotebakeError(
        f"EC2 remembers {MOST_EPOCHS} terminated machines of the server {plan.name}.",
        "Try again tomorrow, or choose another name: --name NAME",
    )


def check_profile(error: CloudError, plan: LaunchPlan) -> None:
    """Raise an error for people if a launch was refused for its instance profile.

    EC2 has the same code for every wrong value: only its words tell which one it is.
    """
    if error.code == "InvalidParameterValue" and "iamInstanceProfile" in error.message:
        raise CloudError(
            f"There is no instance profile {plan.profile} in this account.",
            "It may have another name than its role. To list them: aws iam list-instance-profiles",
            error.code,
        ) from error


def parameters(plan: LaunchPlan, group_id: str, subnet_id: str, token: str) -> dict[str, Any]:
    """Return the parameters of RunInstances."""
    marks = plan.tags | {tags.SERVER: plan.name, tags.OWNER: plan.owner}
    asked: dict[str, Any] = {
        "ImageId": plan.image_id,
        "InstanceType": plan.instance_type,
        "MinCount": 1,
        "MaxCount": 1,
        "ClientToken": token,
        "UserData": user_data(plan.public_key),
        "InstanceInitiatedShutdownBehavior": "stop",
        "MetadataOptions": {
            "HttpEndpoint": "enabled",
            "HttpTokens": "required",
            "HttpPutResponseHopLimit": 2,
            "InstanceMetadataTags": "enabled",
        },
        "NetworkInterfaces": [
            {
                "DeviceIndex": 0,
                "SubnetId": subnet_id,
                "AssociatePublicIpAddress": plan.is_public,
                "DeleteOnTermination": True,
                "Groups": [group_id],
            }
        ],
        "TagSpecifications": tags.specifications(
            {"Name": f"{plan.name} ({plan.owner})", **marks},
            *("instance", "volume", "network-interface"),
        ),
    }
    if plan.disks:
        asked["BlockDeviceMappings"] = list(plan.disks)
    if plan.profile:
        asked["IamInstanceProfile"] = {"Name": plan.profile}
    return asked


def settle(plan: LaunchPlan, instance_id: str) -> Server:
    """Return the server of this name as soon as EC2 shows it: of several one stays.

    Two computers may have launched it in two zones at once. Both end all but the one that
    `first_of` names.

    Raises:
        SeveralServersError: as `first_of` does; none was ended.
    """

    def shown() -> Sequence[Server] | None:
        found = servers_of(plan)
        return found if any(server.id == instance_id for server in found) else None

    found = wait_until(
        shown, what=f"EC2 to show {instance_id}", timeout_seconds=CONSISTENCY_SECONDS
    )
    first = first_of(found)
    for server in found:
        if server.id != first.id:
            log.info("%s has the same owner and name: ending %s", first.id, server.id)
            terminate(server.id, plan.region)
    return first


def first_of(servers: Sequence[Server]) -> Server:
    """Return the server that stays of those of one owner and name.

    One without a host key has never been opened, as no key is trusted on first use: it holds
    nothing of anybody's, and can be ended.

    Raises:
        SeveralServersError: several have a host key, so somebody may have worked on each of them.
    """
    complete = [server for server in servers if server.host_key]
    if len(complete) > 1:
        raise several_error(complete, complete[0].name, complete[0].region)
    return min(complete or servers, key=lambda server: (server.started_at, server.id))


def _machine_of(token: str, plan: LaunchPlan) -> Instance | None:
    """Return the machine that was launched with a token; None if EC2 shows none in its time.

    EC2 remembers a token longer than it shows the machine, once that is terminated.
    """
    try:
        return wait_until(
            lambda: server_calls.find_by_token(token, plan.region),
            what=f"EC2 to show the server {plan.name}",
            timeout_seconds=CONSISTENCY_SECONDS,
        )
    except WaitTimeoutError:
        return None
