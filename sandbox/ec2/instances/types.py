"""Instance types: their properties and the zones that offer them, from moto's tables."""

from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

from sandbox.ec2.errors import ec2_error, invalid_value

# Larger disks would only be larger sparse files; what matters is that the disks exist.
STORE_SIZE_GIB = 1


def check_type(instance_type: str, architecture: str) -> None:
    """Raise EC2's error for an unknown type, or a type with another processor architecture."""
    if instance_type not in INSTANCE_TYPES:
        raise invalid_value(instance_type, "InstanceType")
    supported = INSTANCE_TYPES[instance_type]["ProcessorInfo"]["SupportedArchitectures"]
    if architecture not in supported:
        message = (
            f"The architecture '{','.join(supported)}' of the specified instance type does not "
            f"match the architecture '{architecture}' of the specified AMI. Specify an instance "
            "type and an AMI that have matching architectures, and try again."
        )
        raise ec2_error("InvalidParameterValue", message)


def is_nitro(instance_type: str) -> bool:
    """Return whether a type runs on Nitro; bare metal counts as Nitro."""
    return bool(INSTANCE_TYPES[instance_type].get("Hypervisor") != "xen")


def check_offered(instance_type: str, zone: str, region_name: str) -> None:
    """Raise EC2's error for a type that is not offered in this zone."""
    offered = zones_offering(instance_type, region_name)
    if zone in offered:
        return
    advice = "Please retry your request by not specifying an Availability Zone"
    choices = f" or choosing {', '.join(offered)}" if offered else ""
    message = (
        f"Your requested instance type ({instance_type}) is not supported in your requested "
        f"Availability Zone ({zone}). {advice}{choices}."
    )
    raise ec2_error("Unsupported", message)


def zones_offering(instance_type: str, region_name: str) -> list[str]:
    """Return the zones of the region that offer this type."""
    offerings = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region_name, [])
    return sorted(
        {offer["Location"] for offer in offerings if offer["InstanceType"] == instance_type}
    )


def instance_store_sizes_gib(instance_type: str) -> list[int]:
    """Return the sizes of the instance store disks that the sandbox creates for this type."""
    store = INSTANCE_TYPES[instance_type].get("InstanceStorageInfo") or {}
    count = sum(int(disks["Count"]) for disks in store.get("Disks", []))
    return [STORE_SIZE_GIB] * count
