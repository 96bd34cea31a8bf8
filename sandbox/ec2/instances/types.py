"""Instance types: what moto knows of them, and where EC2 offers them."""

from moto.ec2.models.instance_types import INSTANCE_TYPE_OFFERINGS, INSTANCE_TYPES

from sandbox.ec2.errors import invalid_value, refusal

# Real sizes would only be large sparse files; what counts is that the disks are there.
STORE_SIZE_GIB = 1


def check_type(instance_type: str, architecture: str) -> None:
    """Raise EC2's error for a type that does not exist, or whose processor is another one."""
    if instance_type not in INSTANCE_TYPES:
        raise invalid_value(instance_type, "InstanceType")
    runs = INSTANCE_TYPES[instance_type]["ProcessorInfo"]["SupportedArchitectures"]
    if architecture not in runs:
        message = (
            f"The architecture '{','.join(runs)}' of the specified instance type does not match "
            f"the architecture '{architecture}' of the specified AMI. Specify an instance type "
            "and an AMI that have matching architectures, and try again."
        )
        raise refusal("InvalidParameterValue", message)


def is_nitro(instance_type: str) -> bool:
    """Tell whether a type's machines stand on Nitro; those of bare metal count as such."""
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
    raise refusal("Unsupported", message)


def zones_offering(instance_type: str, region_name: str) -> list[str]:
    """Return the zones of the region that have this type."""
    offerings = INSTANCE_TYPE_OFFERINGS["availability-zone"].get(region_name, [])
    return sorted({one["Location"] for one in offerings if one["InstanceType"] == instance_type})


def instance_store_sizes_gib(instance_type: str) -> list[int]:
    """Return the sizes of the instance store disks that the sandbox makes for this type."""
    store = INSTANCE_TYPES[instance_type].get("InstanceStorageInfo") or {}
    count = sum(int(disks["Count"]) for disks in store.get("Disks", []))
    return [STORE_SIZE_GIB] * count
