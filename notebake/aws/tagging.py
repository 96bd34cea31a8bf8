"""Adds tags to existing resources, and removes them."""

from notebake.aws import kinds, tags
from notebake.aws.clients import calling, connect, until_known
from notebake.aws.permissions import needs
from notebake.aws.policies import HAS_RUN, OURS, POLICY, Statement

TEMPORARY = (kinds.KEY_PAIR, kinds.NETWORK_INTERFACE, kinds.SECURITY_GROUP, kinds.VOLUME)
TAG_OURS = Statement(
    POLICY,
    "TagWhatIsOfARun",
    "expiry, seal, restart, loss, acceptance; any tag but the run's own",
    condition=OURS | {"ForAllValues:StringNotEquals": {"aws:TagKeys": tags.RUN}},
)
FREE_FROM_EXPIRY = Statement(
    POLICY,
    "FreeFromExpiry",
    "what is accepted has no expiry any more",
    condition={
        "Null": {HAS_RUN: "false", "aws:TagKeys": "false"},
        "ForAllValues:StringEquals": {"aws:TagKeys": tags.EXPIRES},
    },
)


@needs(
    "ec2:CreateTags",
    TAG_OURS.on("instance"),
    Resources=[kinds.INSTANCE.stand_in],
    Tags=tags.as_list({tags.SEALED: ""}),
)
@needs(
    "ec2:CreateTags",
    TAG_OURS.on("image", "snapshot"),
    called="ec2:CreateTags on images",
    Resources=[kinds.IMAGE.stand_in, kinds.SNAPSHOT.stand_in],
    Tags=tags.as_list({tags.ACCEPTED: ""}),
)
@needs(
    "ec2:CreateTags",
    TAG_OURS.on("key-pair", "network-interface", "security-group", "volume"),
    called="ec2:CreateTags on all that is temporary",
    Resources=[kind.stand_in for kind in TEMPORARY],
    Tags=tags.as_list({tags.EXPIRES: ""}),
)
def _create_tags(region: str, ids: list[str], marks: dict[str, str]) -> None:
    connect("ec2", region).create_tags(Resources=ids, Tags=tags.as_list(marks))


def add_tags(region: str, ids: list[str], marks: dict[str, str]) -> None:
    """Add tags to existing resources; retry until EC2 knows them."""
    until_known(lambda: _create_tags(region, ids, marks), what=f"tag {', '.join(ids)}")


def add_tags_once(region: str, ids: list[str], marks: dict[str, str]) -> None:
    """Add tags to resources that EC2 has just shown.

    Raises:
        CloudError: EC2 refuses, or no longer knows one of them.
    """
    with calling(f"tag {', '.join(ids)}"):
        _create_tags(region, ids, marks)


@needs(
    "ec2:DeleteTags",
    FREE_FROM_EXPIRY.on("image", "snapshot"),
    Resources=[kinds.IMAGE.stand_in, kinds.SNAPSHOT.stand_in],
    Tags=[{"Key": tags.EXPIRES}],
)
def remove_tags(region: str, ids: list[str], keys: list[str]) -> None:
    """Remove tags from existing resources; missing tags are ignored."""
    named = [{"Key": key} for key in keys]
    until_known(
        lambda: connect("ec2", region).delete_tags(Resources=ids, Tags=named),
        what=f"remove {', '.join(keys)} from {', '.join(ids)}",
    )
