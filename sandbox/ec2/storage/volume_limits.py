"""The sizes and speeds that each type of volume can have.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html and
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
"""

from dataclasses import dataclass

from sandbox.ec2.errors import ec2_error, invalid_value
from sandbox.ec2.model import BlockDevice


@dataclass(frozen=True)
class Limits:
    """The minimum values of a type of volume; 0 where the caller cannot choose a value."""

    least_gib: int = 1
    least_iops: int = 0
    iops_per_gib: int = 0
    least_throughput: int = 0
    needs_iops: bool = False


LIMITS = {
    "gp2": Limits(),
    "gp3": Limits(least_iops=3000, iops_per_gib=500, least_throughput=125),
    "io1": Limits(least_gib=4, least_iops=100, iops_per_gib=50, needs_iops=True),
    "io2": Limits(least_gib=4, least_iops=100, iops_per_gib=1000, needs_iops=True),
    "st1": Limits(least_gib=125),
    "sc1": Limits(least_gib=125),
    "standard": Limits(),
}


def check_volume_limits(entry: BlockDevice) -> None:
    """Raise EC2's error for an unknown type, or a size or speed that the type cannot have."""
    name = entry.volume_type
    if name not in LIMITS:
        raise invalid_value(name, "volumeType")
    limits = LIMITS[name]
    if entry.size_gib < limits.least_gib:
        message = f"Volume of {entry.size_gib}GiB is too small for volume type {name}; "
        raise ec2_error("InvalidParameterValue", f"{message}minimum is {limits.least_gib}GiB.")
    if limits.needs_iops and not entry.iops:
        message = f"The parameter iops must be specified for {name} volumes."
        raise ec2_error("MissingParameter", message)
    _check_least("iops", entry.iops, limits.least_iops, name)
    _check_least("throughput", entry.throughput, limits.least_throughput, name)
    if entry.iops and entry.iops > max(limits.least_iops, limits.iops_per_gib * entry.size_gib):
        message = f"Iops to volume size ratio of {entry.iops / entry.size_gib:f} is too high; "
        raise ec2_error("InvalidParameterValue", f"{message}maximum is {limits.iops_per_gib}")


def _check_least(parameter: str, value: int | None, least: int, volume_type: str) -> None:
    if not value:
        return
    if not least:
        message = f"The parameter {parameter} is not supported for {volume_type} volumes."
        raise ec2_error("InvalidParameterCombination", message)
    if value < least:
        message = f"Volume {parameter} of {value} is too low; minimum is {least}."
        raise ec2_error("InvalidParameterValue", message)
