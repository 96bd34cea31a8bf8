"""AWS's partitions, such as `aws-cn`, by botocore's own data."""

import functools

from notebake.aws.clients import connect, load_botocore_data


def partition_of(region: str) -> str:
    """Return the partition of a region: the second part of every ARN there.

    An unknown region counts as one of the first partition, `aws`.
    """
    return str(connect("ec2", region).meta.partition)


@functools.cache
def home_region(region: str) -> str:
    """Return the region of the same partition that no account can disable."""
    partitions = load_botocore_data("partitions")["partitions"]
    outputs = {partition["id"]: partition["outputs"] for partition in partitions}
    return str(outputs[partition_of(region)]["implicitGlobalRegion"])
