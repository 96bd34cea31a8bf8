"""Service quotas, and what counts against them."""

from notebake.aws.clients import calling, connect

MOST_TYPES = 100
"""DescribeInstanceTypes takes so many names. (EC2 API, DescribeInstanceTypes)"""


def vcpu_quota(code: str, region: str) -> int:
    """Return how many vCPUs of on-demand machines may run at once by a quota of EC2."""
    with calling(f"read the quota {code} in {region}"):
        answer = connect("service-quotas", region).get_service_quota(
            ServiceCode="ec2", QuotaCode=code
        )
    return int(answer["Quota"]["Value"])


def running_types(region: str) -> list[str]:
    """Return the type of each on-demand machine that runs or starts now."""
    wanted = [{"Name": "instance-state-name", "Values": ["pending", "running"]}]
    found: list[str] = []
    with calling(f"look what runs in {region}"):
        pages = connect("ec2", region).get_paginator("describe_instances").paginate(Filters=wanted)
        for page in pages:
            for reservation in page["Reservations"]:
                # Spot machines count against quotas of their own.
                found += [
                    str(one["InstanceType"])
                    for one in reservation["Instances"]
                    if "InstanceLifecycle" not in one
                ]
    return found


def vcpus_of_types(instance_types: list[str], region: str) -> dict[str, int]:
    """Return how many vCPUs each type has."""
    found: dict[str, int] = {}
    for start in range(0, len(instance_types), MOST_TYPES):
        some = instance_types[start : start + MOST_TYPES]
        with calling(f"describe the instance types {', '.join(some)}"):
            answer = connect("ec2", region).describe_instance_types(InstanceTypes=some)
        for one in answer["InstanceTypes"]:
            found[one["InstanceType"]] = int(one["VCpuInfo"]["DefaultVCpus"])
    return found
