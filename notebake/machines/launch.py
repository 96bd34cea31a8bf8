"""Launches a machine: tries each instance type in each zone until one has capacity."""

import logging
from typing import Any

from notebake.aws import images, networks, tags
from notebake.aws.model import Instance
from notebake.aws.volumes import zone_of_volumes
from notebake.errors import CapacityError, ResourceLostError, resume
from notebake.machines import ssh_access
from notebake.machines.launch_request import request_machine, retry_open_launch
from notebake.recipe import Recipe
from notebake.record import digest_of
from notebake.runs import idempotency
from notebake.runs.run import Run

log = logging.getLogger(__name__)


def launch(
    run: Run,
    *,
    role: str,
    number: int,
    instance_types: tuple[str, ...],
    image_id: str,
    key_name: str,
    user_data: str,
    disks: list[dict[str, Any]],
    marks: dict[str, str],
) -> Instance:
    """Return a new instance of the first type in the first zone with capacity.

    A launch whose response was lost is repeated first, as its machine may exist.

    Raises:
        CapacityError: no zone has capacity; the message names what was tried.
        CloudError: AWS refused for another reason; nothing else is tried.
    """
    name = f"{role}-{number}"
    group = ssh_access.find_security_group(run)
    if group is None:
        raise ResourceLostError(f"The security group of run {run.id} is gone.").with_next(
            resume(run.id)
        )
    base = launch_parameters(image_id, disks) | {"KeyName": key_name, "UserData": user_data}
    marks = {tags.NUMBER: str(number), **marks}
    if found := retry_open_launch(run, name, marks):
        return found
    tried: list[str] = []
    for instance_type in instance_types:
        for subnet in usable_subnets(run.recipe, role):
            place = f"{instance_type} in {subnet['AvailabilityZone']}"
            parameters = base | {
                "InstanceType": instance_type,
                "NetworkInterfaces": [
                    interface_in(subnet, run.recipe) | {"Groups": [group.id]},
                ],
            }
            try:
                return request_machine(run, role, place, parameters, marks)
            except CapacityError as error:
                log.warning("No capacity for %s: %s", place, error.code)
                tried.append(f"{place} ({error.code})")
    raise CapacityError(
        f"AWS has no capacity for the machine at present. Tried: {'; '.join(tried)}",
        "Try later, or name more instance_types in the recipe.",
    ).with_next(resume(run.id))


def usable_subnets(recipe: Recipe, role: str = "builder") -> list[dict[str, Any]]:
    """Return the subnets to try; a builder with an existing volume must be in its zone."""
    subnets = networks.find_subnets(recipe.network, recipe.region)
    zone = zone_of_volumes(recipe) if role == "builder" else None
    return [subnet for subnet in subnets if zone in (None, subnet["AvailabilityZone"])]


def launch_parameters(image_id: str, disks: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the launch parameters of an image that do not depend on type and zone.

    The metadata options are always set, whatever the account's defaults are: cloud-init needs them.
    """
    options = {"HttpEndpoint": "enabled", "HttpTokens": "required", "HttpPutResponseHopLimit": 2}
    return {
        "ImageId": image_id,
        "MinCount": 1,
        "MaxCount": 1,
        "InstanceInitiatedShutdownBehavior": "terminate",
        "MetadataOptions": options,
    } | ({"BlockDeviceMappings": disks} if disks else {})


def interface_in(subnet: dict[str, Any], recipe: Recipe) -> dict[str, Any]:
    """Return the network interface of a machine, without its security group."""
    return {
        "DeviceIndex": 0,
        "SubnetId": subnet["SubnetId"],
        "AssociatePublicIpAddress": recipe.network.address == "public",
        "DeleteOnTermination": True,
    }


def base_image_to_launch(run: Run) -> str:
    """Return the id of the base image that a launch would take now; it is not recorded by that."""
    recorded = idempotency.recall(run, _base_image_name(run))
    found = recorded or images.resolve_base_image(run.recipe.start_image, run.region)
    return str(found["ImageId"])


def resolve_base_image(run: Run) -> dict[str, Any]:
    """Return the base image of the run, which is resolved once and then recorded."""
    recipe = run.recipe
    found = images.resolve_base_image(recipe.start_image, recipe.region)
    return idempotency.remember(
        run,
        _base_image_name(run),
        {"ImageId": found["ImageId"], "RootDeviceName": found["RootDeviceName"]},
    )


def _base_image_name(run: Run) -> str:
    return f"base-image-{digest_of(run.recipe.start_image)}"
