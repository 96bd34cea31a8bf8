"""vCPU quotas, and their use."""

import re

from notebake.aws import tags
from notebake.aws.clients import calling, connect
from notebake.aws.kinds import INSTANCE, list_kind
from notebake.aws.permissions import needs
from notebake.aws.policies import DESCRIBE, POLICY, Statement
from notebake.aws.single_flight import LONG_SECONDS, SHORT_SECONDS, cached_per_region

READ_QUOTAS = Statement(
    POLICY,
    "ReadQuotas",
    "whether three machines fit into the vCPU quota",
    ("arn:*:servicequotas:*:*:ec2/*",),
)
MAX_TYPES = 100
"""The maximum number of names in a call (EC2 API, DescribeInstanceTypes)."""
STANDARD, GRAPHICS, PARALLEL = "L-1216C47A", "L-DB2E81BA", "L-417A185B"
CODE_OF_FAMILY = {
    **dict.fromkeys(("a", "c", "d", "h", "i", "m", "r", "t", "z"), STANDARD),
    **dict.fromkeys(("g", "vt"), GRAPHICS),
    "p": PARALLEL,
}
"""The quota for each family letter; other families have quotas that are not listed here.
https://docs.aws.amazon.com/ec2/latest/instancetypes/ec2-instance-quotas.html"""


@needs("servicequotas:GetServiceQuota", READ_QUOTAS, by_check=True)
def vcpu_quota(code: str, region: str) -> int:
    """Return the value of an EC2 quota: the maximum vCPUs of running on-demand instances."""
    with calling(f"read the quota {code} in {region}"):
        answer = connect("service-quotas", region).get_service_quota(
            ServiceCode="ec2", QuotaCode=code
        )
    return int(answer["Quota"]["Value"])


@cached_per_region(SHORT_SECONDS)
def running_types(run_id: str, region: str) -> list[str]:
    """Return the type of each running or starting on-demand instance of other runs and users."""
    instances = list_kind(region, INSTANCE, "instance-state-name", ["pending", "running"])
    return [
        str(instance["InstanceType"])
        for instance in instances
        # Spot instances have quotas of their own.
        if "InstanceLifecycle" not in instance
        and tags.as_dict(instance.get("Tags")).get(tags.RUN) != run_id
    ]


@needs("ec2:DescribeInstanceTypes", DESCRIBE, by_check=True)
@cached_per_region(LONG_SECONDS)
def vcpus_of_types(instance_types: tuple[str, ...], region: str) -> dict[str, int]:
    """Return the vCPUs of each type."""
    found: dict[str, int] = {}
    for start in range(0, len(instance_types), MAX_TYPES):
        some = instance_types[start : start + MAX_TYPES]
        with calling(f"describe the instance types {', '.join(some)}"):
            answer = connect("ec2", region).describe_instance_types(InstanceTypes=some)
        for described in answer["InstanceTypes"]:
            found[described["InstanceType"]] = int(described["VCpuInfo"]["DefaultVCpus"])
    return found


def quota_code(instance_type: str) -> str | None:
    """Return the code of the quota for a type, by the letters of its family."""
    letters = re.match(r"[a-z]+", instance_type)
    return CODE_OF_FAMILY.get(letters[0]) if letters else None


def raise_command(code: str, vcpus: int, region: str) -> str:
    """Return the command that requests a higher quota."""
    return (
        "aws service-quotas request-service-quota-increase --service-code ec2"
        f" --quota-code {code} --desired-value {vcpus} --region {region}"
    )


def quota_hint(instance_type: str, region: str) -> str:
    """Return what to do if a quota prevents the launch of a type."""
    code = quota_code(instance_type)
    if code is None:
        return f"Request more vCPUs for the family of {instance_type} from Service Quotas."
    return (
        f"The quota is {code}. Request the vCPUs that you need:"
        f" {raise_command(code, 64, region)}\nOr name another instance type."
    )
