"""AWS's partitions, such as `aws-cn`, as botocore's own data have them: no table of ours."""

import functools

from notebake.aws.clients import connect, read_own_data


def partition_of(region: str) -> str:
    """Return the partition that a region is in: the second word of every ARN there.

    A name that has the form of no partition's regions counts as one of the first partition, `aws`.
    """
    return str(connect("ec2", region).meta.partition)


def home_region(region: str) -> str:
    """Return the region of the same partition that no account can disable."""
    return _home_regions()[partition_of(region)]


@functools.cache
def _home_regions() -> dict[str, str]:
    """Return by partition where its services without a region have their home."""
    told = read_own_data("partitions")["partitions"]
    return {one["id"]: str(one["outputs"]["implicitGlobalRegion"]) for one in told}
