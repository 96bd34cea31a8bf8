"""Attributes of an instance."""

import base64
from collections.abc import Mapping
from typing import Any

from sandbox.ec2.errors import ec2_error, invalid_value, unsupported
from sandbox.ec2.instances.launch_plan import read_user_data
from sandbox.ec2.instances.security_groups import apply_rules
from sandbox.ec2.instances.types import check_offered, check_type
from sandbox.ec2.instances.view import view_groups, view_instance
from sandbox.ec2.model import Instance, Params, View
from sandbox.ec2.state.region import Region

SHOWN_AS = {
    "blockDeviceMapping": "BlockDeviceMappings",
    "groupSet": "Groups",
    "launchPermission": "LaunchPermissions",
}


def describe_instance_attribute(region: Region, parameters: Params) -> dict[str, Any]:
    """DescribeInstanceAttribute."""
    instance = region.find_instance(parameters["InstanceId"])
    encoded = base64.b64encode(instance.user_data).decode()
    values = {
        "instanceType": {"Value": instance.instance_type},
        "userData": {"Value": encoded} if encoded else {},
        "disableApiTermination": {"Value": instance.disable_termination},
        "disableApiStop": {"Value": instance.disable_stop},
        "instanceInitiatedShutdownBehavior": {"Value": instance.shutdown_behavior},
        "rootDeviceName": {"Value": instance.root_device},
        "groupSet": view_groups(region, instance),
        "ebsOptimized": {"Value": instance.ebs_optimized},
        "blockDeviceMapping": view_instance(region, instance)["BlockDeviceMappings"],
    }
    shown = view_attribute(parameters["Attribute"], values)
    region.check_dry_run(parameters)
    return {"InstanceId": instance.id, **shown}


def view_attribute(name: str, values: Mapping[str, Any]) -> View:
    """Show an attribute. Raises EC2's error for an unknown name."""
    if name not in values:
        raise invalid_value(name, "attribute")
    return {SHOWN_AS.get(name, name[0].upper() + name[1:]): values[name]}


def modify_instance_attribute(region: Region, parameters: Params) -> None:
    """ModifyInstanceAttribute: a single attribute per call, as on EC2."""
    instance = region.find_instance(parameters["InstanceId"])
    given = dict(_named_attributes(parameters))
    if len(given) != 1:
        message = "Exactly one attribute may be modified by a call"
        raise ec2_error("InvalidParameterCombination", message)
    ((name, value),) = given.items()
    region.check_dry_run(parameters)
    if name == "instanceInitiatedShutdownBehavior":
        if value not in ("stop", "terminate"):
            raise invalid_value(value, name)
        instance.shutdown_behavior = value
    elif name == "disableApiTermination":
        instance.disable_termination = str(value).lower() == "true"
    elif name == "disableApiStop":
        instance.disable_stop = str(value).lower() == "true"
    elif name == "groups":
        _change_groups(region, instance, value)
    elif name == "blockDeviceMapping":
        _change_devices(region, instance, value)
    else:
        _change_stopped(region, instance, name, value)


def modify_instance_metadata_options(region: Region, parameters: Params) -> dict[str, Any]:
    """ModifyInstanceMetadataOptions: at once, on a running instance as well."""
    instance = region.find_instance(parameters["InstanceId"])
    region.check_dry_run(parameters)
    names = ("HttpTokens", "HttpPutResponseHopLimit", "HttpEndpoint", "InstanceMetadataTags")
    changes = {name: parameters[name] for name in names if name in parameters}
    instance.metadata_options = {**instance.metadata_options, **changes}
    return {
        "InstanceId": instance.id,
        "InstanceMetadataOptions": instance.metadata_options,
    }


def _named_attributes(parameters: Params) -> list[tuple[str, Any]]:
    named = {
        "InstanceInitiatedShutdownBehavior": "instanceInitiatedShutdownBehavior",
        "DisableApiTermination": "disableApiTermination",
        "DisableApiStop": "disableApiStop",
        "InstanceType": "instanceType",
        "UserData": "userData",
    }
    found = [(named[key], parameters[key]["Value"]) for key in named if key in parameters]
    if "Attribute" in parameters and "Value" in parameters:
        found.append((parameters["Attribute"], parameters["Value"]))
    if groups := parameters.get("Groups"):
        found.append(("groups", groups))
    if mapping := parameters.get("BlockDeviceMappings"):
        found.append(("blockDeviceMapping", mapping))
    return found


def _change_groups(region: Region, instance: Instance, group_ids: list[str]) -> None:
    groups = [region.find_group(group_id) for group_id in group_ids]
    instance.group_ids = list(group_ids)
    instance.interface._group_set = groups
    apply_rules(region)


def _change_devices(region: Region, instance: Instance, mapping: list[Params]) -> None:
    attached = region.volumes_by_device(instance.id)
    for change in mapping:
        volume = attached.get(change.get("DeviceName", ""))
        if not volume or not volume.attachment:
            message = f"No device is currently mapped at {change.get('DeviceName')}"
            raise ec2_error("InvalidInstanceAttributeValue", message)
        volume.attachment.delete_on_termination = bool(
            change.get("Ebs", {}).get("DeleteOnTermination")
        )


def _change_stopped(region: Region, instance: Instance, name: str, value: Any) -> None:
    if instance.state != "stopped":
        raise ec2_error(
            "IncorrectInstanceState", f"The instance '{instance.id}' is not in the 'stopped' state."
        )
    if name == "instanceType":
        check_type(value, instance.architecture)
        check_offered(value, instance.zone, region.name)
        instance.instance_type = value
    elif name == "userData":
        text = value.decode() if isinstance(value, bytes) else str(value)
        instance.user_data = read_user_data(text)
    else:
        raise unsupported(f"ModifyInstanceAttribute of {name}")
