"""Service quotas, and what counts against them."""

import re

from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.aws.permissions import needs
from notebake.aws.policies import LOOK, POLICY, Statement
from notebake.aws.single_flight import BRIEFLY_SECONDS, LONG_SECONDS, cached_per_region

READ_QUOTAS = Statement(
    POLICY,
    "ReadQuotas",
    "whether three machines fit into the vCPU quota",
    ("arn:*:servicequotas:*:*:ec2/*",),
)
MOST_TYPES = 100
"""DescribeInstanceTypes takes so many names. (EC2 API, DescribeInstanceTypes)"""
STANDARD, GRAPHICS, PARALLEL = "L-1216C47A", "L-DB2E81BA", "L-417A185B"
CODE_OF_FAMILY = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "m", "r", "t", "z"), STANDARD),
    **dict.fromkeys(("g", "vt"), GRAPHICS),
    "p": PARALLEL,
}
"""Which quota counts which letters. Others have quotas of their own, whose codes we do not know.

https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html
"""


@needs("servicequotas:GetServiceQuota", READ_QUOTAS, by_check=True)
def vcpu_quota(code: str, region: str) -> int:
    """Return how many vCPUs of on-demand machines may run at once by a quota of EC2."""
    with calling(f"read the quota {code} in {region}"):
        answer = connect("service-quotas", region).get_service_quota(
            ServiceCode="ec2", QuotaCode=code
        )
    return int(answer["Quota"]["Value"])


@needs("ec2:DescribeInstances", LOOK, by_check=True)
@cached_per_region(BRIEFLY_SECONDS)
def running_types(run_id: str, region: str) -> list[str]:
    """Return the type of each on-demand machine that runs or starts now, but for a run's own."""
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
                    and tags.as_dict(one.get("Tags")).get(tags.RUN) != run_id
                ]
    return found


@needs("ec2:DescribeInstanceTypes", LOOK, by_check=True)
@cached_per_region(LONG_SECONDS)
def vcpus_of_types(instance_types: tuple[str, ...], region: str) -> dict[str, int]:
    """Return how many vCPUs each type has."""
    found: dict[str, int] = {}
    for start in range(0, len(instance_types), MOST_TYPES):
        some = instance_types[start : start + MOST_TYPES]
        with calling(f"describe the instance types {', '.join(some)}"):
            answer = connect("ec2", region).describe_instance_types(InstanceTypes=some)
        for one in answer["InstanceTypes"]:
            found[one["InstanceType"]] = int(one["VCpuInfo"]["DefaultVCpus"])
    return found


def quota_code(instance_type: str) -> str | None:
    """Return the code of the quota that counts a type, by the letters of its family."""
    letters = re.match(r"[a-z]+", instance_type)
    return CODE_OF_FAMILY.get(letters[0]) if letters else None


def raise_command(code: str, vcpus: int, region: str) -> str:
    """Return the command that asks AWS for a higher quota."""
    return (
        "aws service-quotas request-service-quota-increase --service-code ec2"
        f" --quota-code {code} --desired-value {vcpus} --region {region}"
    )


def quota_hint(instance_type: str, region: str) -> str:
    """Return what to do about a quota that keeps a type from being launched."""
    code = quota_code(instance_type)
    if code is None:
        return f"Ask Service Quotas for more vCPUs of the family of {instance_type}."
    return (
        f"The quota is {code}. Ask for more, with the vCPUs that you need:"
        f" {raise_command(code, 64, region)}\nOr name another instance type in the recipe."
    )
