"""RunInstances: checks all parameters as EC2 does, then creates instances that boot later."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any

from sandbox.ec2.instances import boot
from sandbox.ec2.instances.capacity import check_capacity
from sandbox.ec2.instances.launch_plan import LaunchPlan, plan_launch
from sandbox.ec2.instances.placement import Placement, check_addresses, token_scope
from sandbox.ec2.instances.public_address import give_address
from sandbox.ec2.instances.view import view_reservation
from sandbox.ec2.model import Attachment, BlockDevice, Image, Instance, Params, View, new_id
from sandbox.ec2.state import base_images
from sandbox.ec2.state.client_tokens import Scope
from sandbox.ec2.state.region import Region
from sandbox.ec2.storage.volumes import add_volume
from sandbox.hosts.addresses import mac_address


def run_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """RunInstances. The same client token with the same parameters returns the same reservation."""
    scope = Scope("RunInstances", f"{region.name} {token_scope(region, parameters)}")
    if created := region.tokens.find(scope, parameters):
        region.check_dry_run(parameters)
        known = region.instances.values()
        launched = [instance for instance in known if instance.reservation_id == created]
        return view_reservation(region, created, launched)
    plan = plan_launch(region, parameters)
    region.check_dry_run(parameters)
    check_addresses(region, plan.placement.subnet, plan.count)
    check_capacity(
        region,
        "RunInstances",
        plan.instance_type,
        plan.placement.zone,
        plan.tags["instance"],
        plan.count,
    )
    plan.image.launch_times.append(region.now())
    reservation_id = new_id("r")
    launched = [
        _launch(region, plan, parameters, reservation_id, index) for index in range(plan.count)
    ]
    region.tokens.keep(scope, parameters, reservation_id)
    shown = view_reservation(region, reservation_id, launched)
    return {**shown, "Instances": [_as_just_launched(view) for view in shown["Instances"]]}


def _as_just_launched(shown: View) -> View:
    """Show an instance as the reply to its launch does: without disks and public address.

    As in the example of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
    """
    known = {name: value for name, value in shown.items() if name != "PublicIpAddress"}
    reason = {"Code": "pending", "Message": "pending"}
    return {**known, "BlockDeviceMappings": [], "StateReason": reason}


def _launch(
    region: Region, plan: LaunchPlan, parameters: Params, reservation_id: str, index: int
) -> Instance:
    """Create an instance with all that belongs to it, and let its host boot."""
    machines = region.core.machines
    instance_id = new_id("i")
    image_id = base_images.host_image_id(plan.image)
    machines.create_root(instance_id, image_id, plan.placement.subnet.cidr_block)
    instance = _instance_of(
        plan, parameters, instance_id, machines.reserve_address(instance_id), region.now()
    )
    machines.upgrade_at_first_boot(instance_id, region.core.latency.seconds("first-upgrade"))
    instance.owner_id, instance.reservation_id = region.account_id, reservation_id
    instance.launch_index = index
    instance.interface = _create_interface(region, instance, plan.placement)
    give_address(region, instance)
    region.instances[instance.id] = instance
    region.tag(instance.id, plan.tags["instance"])
    region.tag(instance.interface.id, plan.tags["network-interface"])
    for entry in plan.devices:
        _create_volume(region, instance, entry, plan.tags["volume"])
    region.transitions.begin_launch(instance.id)
    region.core.later(instance.id, partial(boot.first_boot, region, instance))
    return instance


def _instance_of(
    plan: LaunchPlan, parameters: Params, instance_id: str, address: str, launch_time: datetime
) -> Instance:
    return Instance(
        id=instance_id,
        image_id=plan.image.id,
        instance_type=plan.instance_type,
        architecture=plan.image.architecture,
        zone=plan.placement.subnet.availability_zone,
        subnet_id=plan.placement.subnet.id,
        vpc_id=plan.placement.subnet.vpc_id,
        key_name=parameters.get("KeyName"),
        public_key=plan.public_key,
        client_token=str(parameters.get("ClientToken", "")),
        profile=plan.profile,
        user_data=plan.user_data,
        root_device=plan.image.root_device,
        private_address=address,
        has_public_address=plan.placement.has_public_address,
        group_ids=plan.placement.group_ids,
        shutdown_behavior=parameters.get("InstanceInitiatedShutdownBehavior", "stop"),
        metadata_options=_metadata_options(plan.image, parameters.get("MetadataOptions", {})),
        disable_termination=bool(parameters.get("DisableApiTermination")),
        disable_stop=bool(parameters.get("DisableApiStop")),
        is_monitored=bool(parameters.get("Monitoring", {}).get("Enabled")),
        ebs_optimized=bool(parameters.get("EbsOptimized")),
        launch_time=launch_time,
    )


def _create_volume(
    region: Region, instance: Instance, entry: BlockDevice, tags: Mapping[str, str]
) -> None:
    volume = add_volume(region, entry, instance.zone, tags)
    volume.is_root = entry.device == instance.root_device
    volume.state = "in-use"
    volume.attachment = Attachment(
        instance.id,
        entry.device,
        entry.delete_on_termination,
        attach_time=instance.launch_time,
    )


def _create_interface(region: Region, instance: Instance, placement: Placement) -> Any:
    interface = region.network.create_network_interface(
        placement.subnet,
        instance.private_address,
        group_ids=placement.group_ids,
        description=placement.description,
        delete_on_termination=True,
    )
    interface.mac_address = mac_address(instance.private_address)
    interface.instance = instance
    interface.attachment_id = new_id("eni-attach")
    interface.attach_time = instance.launch_time
    interface.status = "in-use"
    return interface


def _metadata_options(image: Image, given: Params) -> dict[str, Any]:
    is_new = image.imds_support == "v2.0"
    return {
        "State": "applied",
        "HttpTokens": given.get("HttpTokens", "required" if is_new else "optional"),
        "HttpPutResponseHopLimit": given.get("HttpPutResponseHopLimit", 2 if is_new else 1),
        "HttpEndpoint": given.get("HttpEndpoint", "enabled"),
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": given.get("InstanceMetadataTags", "disabled"),
    }
