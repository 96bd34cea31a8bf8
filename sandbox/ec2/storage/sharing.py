"""Who may use a snapshot or an image: accounts, groups and organizations, added or removed."""

import re

from sandbox.ec2.errors import ec2_error, invalid_value
from sandbox.ec2.model import Params

Permission = dict[str, str]
# "make sure to use the correct ARN format. You'll get an error if you specify only the ID":
# https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html
# The ids' lengths: https://docs.aws.amazon.com/organizations/latest/APIReference/API_Organization.html
_OWNER = r"arn:aws[a-z-]*:organizations::\d{12}"
ITEMS = {
    "UserId": ("userId", re.compile(r"\d{12}")),
    "OrganizationArn": (
        "OrganizationArn",
        re.compile(rf"{_OWNER}:organization/o-[a-z0-9]{{10,32}}"),
    ),
    "OrganizationalUnitArn": (
        "OrganizationalUnitArn",
        re.compile(rf"{_OWNER}:ou/o-[a-z0-9]{{10,32}}/ou-[0-9a-z]{{4,32}}-[0-9a-z]{{8,32}}"),
    ),
}
"""What each kind of permission is called in EC2's errors, and the form of its values."""


def read_permissions(
    parameters: Params, name: str, shorthands: dict[str, str]
) -> tuple[list[Permission], list[Permission]]:
    """Return the permissions to add and to remove, from both forms that EC2 takes.

    `shorthands` has the list parameters of the older form, with the key of their permissions.
    """
    changes = parameters.get(name, {})
    add, remove = list(changes.get("Add", [])), list(changes.get("Remove", []))
    target = remove if parameters.get("OperationType") == "remove" else add
    for parameter, key in shorthands.items():
        target += [{key: value} for value in parameters.get(parameter, [])]
    for permission in [*add, *remove]:
        for kind, value in permission.items():
            _check(kind, value)
    return add, remove


def _check(kind: str, value: str) -> None:
    if kind == "Group":
        if value != "all":
            raise invalid_value(value, "userGroup")
        return
    name, form = ITEMS[kind]
    if not form.fullmatch(value):
        # As in https://github.com/hashicorp/packer-plugin-amazon/issues/156
        message = f'Invalid attribute item value "{value}" for {name} item type.'
        raise ec2_error("InvalidAMIAttributeItemValue", message)
