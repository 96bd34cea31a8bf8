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


CONSOLES = {
    "aws": "console.aws.amazon.com",
    "aws-cn": "console.amazonaws.cn",
    "aws-us-gov": "console.amazonaws-us-gov.com",
}
"""AWS's console in each partition that has one for everybody:
https://docs.aws.amazon.com/awsconsolehelpdocs/latest/gsg/working-with-console.html"""


def console_address(image_id: str, region: str) -> str:
    """Return where a person sees an image in AWS's console; "" if it is not AWS that is asked."""
    meta = connect("ec2", region).meta
    host = CONSOLES.get(str(meta.partition), "")
    is_aws = ".amazonaws.com" in str(meta.endpoint_url)
    if not host or not is_aws:
        return ""
    return f"https://{host}/ec2/home?region={region}#ImageDetails:imageId={image_id}"
