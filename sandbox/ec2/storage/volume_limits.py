"""What size and speed each type of volume may be asked for.

https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_CreateVolume.html and
https://docs.aws.amazon.com/ebs/latest/userguide/ebs-volume-types.html
"""

from dataclasses import dataclass

from sandbox.ec2.errors import invalid_value, refusal
from sandbox.ec2.model import BlockDevice


@dataclass(frozen=True)
class Kind:
    """One type of volume: the least that it takes; 0 where it does not let one choose."""

    least_gib: int = 1
    least_iops: int = 0
    iops_per_gib: int = 0
    least_throughput: int = 0
    needs_iops: bool = False


KINDS = {
    "gp2": Kind(),
    "gp3": Kind(least_iops=3000, iops_per_gib=500, least_throughput=125),
    "io1": Kind(least_gib=4, least_iops=100, iops_per_gib=50, needs_iops=True),
    "io2": Kind(least_gib=4, least_iops=100, iops_per_gib=1000, needs_iops=True),
    "st1": Kind(least_gib=125),
    "sc1": Kind(least_gib=125),
    "standard": Kind(),
}


def check_performance(line: BlockDevice) -> None:
    """Refuse what EC2 would not make: a type, or a size or speed that the type does not have."""
    name = line.volume_type
    if name not in KINDS:
        raise invalid_value(name, "volumeType")
    kind = KINDS[name]
    if line.size_gib < kind.least_gib:
        told = f"Volume of {line.size_gib}GiB is too small for volume type {name}; "
        raise refusal("InvalidParameterValue", f"{told}minimum is {kind.least_gib}GiB.")
    if kind.needs_iops and not line.iops:
        told = f"The parameter iops must be specified for {name} volumes."
        raise refusal("MissingParameter", told)
    _check_least("iops", line.iops, kind.least_iops, name)
    _check_least("throughput", line.throughput, kind.least_throughput, name)
    if line.iops and line.iops > max(kind.least_iops, kind.iops_per_gib * line.size_gib):
        told = f"Iops to volume size ratio of {line.iops / line.size_gib:f} is too high; "
        raise refusal("InvalidParameterValue", f"{told}maximum is {kind.iops_per_gib}")


def _check_least(what: str, asked: int | None, least: int, name: str) -> None:
    if not asked:
        return
    if not least:
        told = f"The parameter {what} is not supported for {name} volumes."
        raise refusal("InvalidParameterCombination", told)
    if asked < least:
        told = f"Volume {what} of {asked} is too low; minimum is {least}."
        raise refusal("InvalidParameterValue", told)
