"""Tags put on what exists, and taken off."""

from notebake.aws import tags
from notebake.aws.clients import calling, connect, until_known


def add_tags(region: str, ids: list[str], marks: dict[str, str]) -> None:
    """Put tags on resources that exist."""
    until_known(
        lambda: connect("ec2", region).create_tags(Resources=ids, Tags=tags.as_list(marks)),
        what=f"tag {', '.join(ids)}",
    )


def add_tags_once(region: str, ids: list[str], marks: dict[str, str]) -> None:
    """Put tags on resources that EC2 has just shown.

    Raises:
        CloudError: it refuses, or knows one of them no more.
    """
    with calling(f"tag {', '.join(ids)}"):
        connect("ec2", region).create_tags(Resources=ids, Tags=tags.as_list(marks))


def remove_tags(region: str, ids: list[str], keys: list[str]) -> None:
    """Take tags off resources that exist; those that are not there are fine."""
    named = [{"Key": key} for key in keys]
    until_known(
        lambda: connect("ec2", region).delete_tags(Resources=ids, Tags=named),
        what=f"take {', '.join(keys)} off {', '.join(ids)}",
    )
