"""RunInstances: check everything as EC2 does, then name the instance; its host boots afterwards."""

from datetime import datetime
from functools import partial
from typing import Any

from sandbox.ec2.instances import boot
from sandbox.ec2.instances.capacity import check_room
from sandbox.ec2.instances.launch_plan import LaunchPlan, plan_launch
from sandbox.ec2.instances.placement import Placement, check_addresses, token_place
from sandbox.ec2.instances.view import view_reservation
from sandbox.ec2.model import Attachment, BlockDevice, Image, Instance, Params, Volume, new_id
from sandbox.ec2.state import base_images
from sandbox.ec2.state.client_tokens import Scope
from sandbox.ec2.state.region import Region


def run_instances(region: Region, parameters: Params) -> dict[str, Any]:
    """RunInstances. The same client token with the same parameters returns the same reservation."""
    scope = Scope("RunInstances", f"{region.name} {token_place(region, parameters)}")
    if made := region.core.tokens.find(scope, parameters):
        region.check_dry_run(parameters)
        return view_reservation(region, made)
    plan = plan_launch(region, parameters)
    region.check_dry_run(parameters)
    check_addresses(region, plan.placement.subnet, plan.count)
    check_room(
        region,
        "RunInstances",
        plan.instance_type,
        plan.placement.zone,
        plan.tags["instance"],
        plan.count,
    )
    plan.image.launch_times.append(region.now())
    reservation_id = new_id("r")
    for index in range(plan.count):
        _make(region, plan, parameters, reservation_id, index)
    region.core.tokens.keep(scope, parameters, reservation_id)
    shown = view_reservation(region, reservation_id)
    return {**shown, "Instances": [_as_just_named(one) for one in shown["Instances"]]}


def _as_just_named(shown: dict[str, Any]) -> dict[str, Any]:
    """Show of an instance what the launch itself tells: its disks and addresses come later.

    As in the example of https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_RunInstances.html
    """
    known = {name: value for name, value in shown.items() if name != "PublicIpAddress"}
    reason = {"Code": "pending", "Message": "pending"}
    return {**known, "BlockDeviceMappings": [], "StateReason": reason}


def machine_image(region: Region, image: Image) -> str:
    """Return the machines' own name of the image."""
    return image.id if image.owner_id == region.account_id else base_images.machine_image(image)


def _make(
    region: Region, plan: LaunchPlan, parameters: Params, reservation_id: str, index: int
) -> None:
    """Name one instance with all that belongs to it, and let its host boot."""
    machines = region.core.machines
    instance_id = new_id("i")
    machines.create_root(
        instance_id, machine_image(region, plan.image), plan.placement.subnet.cidr_block
    )
    instance = _instance_of(
        plan, parameters, instance_id, machines.reserve_address(instance_id), region.now()
    )
    machines.upgrade_at_first_boot(instance_id, region.core.latency.seconds("first-upgrade"))
    instance.owner_id, instance.reservation_id = region.account_id, reservation_id
    instance.launch_index = index
    instance.interface = _make_interface(region, instance, plan.placement)
    region.instances[instance.id] = instance
    region.tag(instance.id, plan.tags["instance"])
    region.tag(instance.interface.id, plan.tags["network-interface"])
    for line in plan.devices:
        volume = _make_volume(instance, line)
        region.volumes[volume.id] = volume
        region.tag(volume.id, plan.tags["volume"])
    region.course.begin_launch(instance.id)
    region.core.later(instance.id, partial(boot.first_boot, region, instance))


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


def _make_volume(instance: Instance, line: BlockDevice) -> Volume:
    return Volume(
        id=new_id("vol"),
        size_gib=line.size_gib,
        zone=instance.zone,
        volume_type=line.volume_type,
        snapshot_id=line.snapshot_id,
        iops=line.iops or (3000 if line.volume_type == "gp3" else None),
        throughput=line.throughput or (125 if line.volume_type == "gp3" else None),
        encrypted=line.encrypted,
        kms_key_id=line.kms_key_id,
        is_root=line.device == instance.root_device,
        state="in-use",
        attachment=Attachment(
            instance.id,
            line.device,
            line.delete_on_termination,
            attach_time=instance.launch_time,
        ),
        create_time=instance.launch_time,
    )


def _make_interface(region: Region, instance: Instance, placement: Placement) -> Any:
    interface = region.network.create_network_interface(
        placement.subnet,
        instance.private_address,
        group_ids=placement.group_ids,
        description=placement.description,
        delete_on_termination=True,
    )
    # The host's real one: see sandbox/hosts/network.py.
    parts = [int(part) for part in instance.private_address.split(".")]
    interface.mac_address = "02:6e:" + ":".join(f"{part:02x}" for part in parts)
    interface.public_ip = instance.public_address
    interface.instance = instance
    interface.attachment_id = new_id("eni-attach")
    interface.attach_time = instance.launch_time
    interface.status = "in-use"
    return interface


def _metadata_options(image: Image, asked: Params) -> dict[str, Any]:
    is_new = image.imds_support == "v2.0"
    return {
        "State": "applied",
        "HttpTokens": asked.get("HttpTokens", "required" if is_new else "optional"),
        "HttpPutResponseHopLimit": asked.get("HttpPutResponseHopLimit", 2 if is_new else 1),
        "HttpEndpoint": asked.get("HttpEndpoint", "enabled"),
        "HttpProtocolIpv6": "disabled",
        "InstanceMetadataTags": asked.get("InstanceMetadataTags", "disabled"),
    }
