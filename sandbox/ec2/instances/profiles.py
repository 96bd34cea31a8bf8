"""The instance profile of a launch, whose role the machine has. moto keeps IAM's profiles.

https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/iam-roles-for-amazon-ec2.html
"""

from typing import Any

from moto.iam.models import iam_backends
from moto.utilities.utils import get_partition

from sandbox.ec2.errors import check_known, ec2_error
from sandbox.ec2.model import InstanceProfile, Params
from sandbox.ec2.state.region import Region


def find_profile(region: Region, given: Params) -> InstanceProfile | None:
    """Return the profile that a launch names, by its name or its ARN. Raises EC2's errors."""
    check_known(given, {"Arn", "Name"})
    if not given:
        return None
    if {"Arn", "Name"} <= given.keys():
        message = "The parameter 'iamInstanceProfile.name' may not be used in combination with"
        raise ec2_error("InvalidParameterCombination", f"{message} 'iamInstanceProfile.arn'")
    partition = get_partition(region.name)
    profiles: dict[str, Any] = iam_backends[region.account_id][partition].instance_profiles
    for profile in profiles.values():
        if given.get("Name") == profile.name or given.get("Arn") == profile.arn:
            return InstanceProfile(
                profile.id, profile.arn, profile.roles[0].name if profile.roles else None
            )
    ((name, value),) = given.items()
    message = f"Value ({value}) for parameter iamInstanceProfile.{name.lower()} is invalid."
    raise ec2_error("InvalidParameterValue", f"{message} Invalid IAM Instance Profile {name}")
