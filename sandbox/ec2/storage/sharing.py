"""Who may use a snapshot or an image: the accounts and groups that a call adds or removes."""

from sandbox.ec2.errors import ec2_error, invalid_value
from sandbox.ec2.model import Params

Permission = dict[str, str]


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
        _check(permission.get("UserId", "000000000000"), permission.get("Group", "all"))
    return add, remove


def _check(user_id: str, group: str) -> None:
    if len(user_id) != 12 or not user_id.isdigit():
        message = f'Invalid attribute item value "{user_id}"'
        raise ec2_error("InvalidAMIAttributeItemValue", message)
    if group != "all":
        raise invalid_value(group, "userGroup")
