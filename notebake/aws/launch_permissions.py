"""Who may launch an image, and who may copy it: accounts, organizations, their units, everybody.

The launch permission is all that a launch needs: "the system automatically provides the instance
with access to the referenced Amazon EBS snapshots". Who copies the image reads the snapshots, and
needs their createVolumePermission, which EC2 gives to accounts and to everybody only.
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/share-amis-with-organizations-and-OUs.html
https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ami-copy-works.html
"""

import functools
import re
from collections.abc import Iterable, Sequence

from notebake.aws.clients import calling, connect, until_known
from notebake.aws.kinds import IMAGE, SNAPSHOT
from notebake.aws.model import Image
from notebake.aws.permissions import needs
from notebake.aws.policies import OURS, SHARING, RecipeStack, Statement
from notebake.recipe.fields import ACCOUNT

EVERYBODY = "all"
"""EC2's only group: the image is public."""
SHARERS = "`notebake share` and `notebake unshare`"
SHARE_OURS = Statement(
    SHARING, "ShareImagesOfARun", "the accepted image and its snapshots", condition=OURS
)
ASK_FOR_BLOCK = Statement(
    SHARING, "AskForBlockOfPublicImages", "whether images may be public", ("*",)
)
LAUNCH, CREATE_VOLUME = "launchPermission", "createVolumePermission"


def permission_of(recipient: str) -> dict[str, str]:
    """Return EC2's launch permission for a recipient."""
    if recipient == EVERYBODY:
        return {"Group": EVERYBODY}
    if is_account(recipient):
        return {"UserId": recipient}
    is_unit = recipient.split(":")[-1].startswith("ou/")
    return {"OrganizationalUnitArn" if is_unit else "OrganizationArn": recipient}


def is_account(recipient: str) -> bool:
    """Return whether a recipient is an account."""
    return re.fullmatch(ACCOUNT, recipient) is not None


def accounts_among(recipients: Iterable[str]) -> list[str]:
    """Return the recipients that are accounts."""
    return [each for each in recipients if is_account(each)]


def _trial_accounts(run: RecipeStack) -> list[str]:
    # A trial must name somebody: it changes nothing.
    return accounts_among(run.recipe.share_with) or ["000000000000"]


@needs(
    "ec2:ModifyImageAttribute",
    SHARE_OURS.on("image"),
    ImageId=IMAGE.stand_in,
    LaunchPermission=lambda run: {"Add": [permission_of(each) for each in run.recipe.share_with]},
)
def _modify_image(image_id: str, change: str, recipients: Sequence[str], region: str) -> None:
    wanted = [permission_of(each) for each in recipients]
    until_known(
        lambda: connect("ec2", region).modify_image_attribute(
            ImageId=image_id, LaunchPermission={change: wanted}
        ),
        what=f"change with whom {image_id} is shared: {change} {', '.join(recipients)}",
    )


@needs(
    "ec2:ModifySnapshotAttribute",
    SHARE_OURS.on("snapshot"),
    SnapshotId=SNAPSHOT.stand_in,
    Attribute=CREATE_VOLUME,
    OperationType="add",
    UserIds=_trial_accounts,
)
def _modify_snapshots(
    snapshot_ids: Sequence[str], change: str, accounts: list[str], region: str
) -> None:
    for snapshot_id in snapshot_ids if accounts else ():
        until_known(
            functools.partial(
                connect("ec2", region).modify_snapshot_attribute,
                SnapshotId=snapshot_id,
                Attribute=CREATE_VOLUME,
                OperationType=change,
                UserIds=accounts,
            ),
            what=f"change with whom {snapshot_id} is shared: {change} {', '.join(accounts)}",
        )


def share_image(
    image: Image, recipients: Sequence[str], region: str, *, may_copy: bool = True
) -> None:
    """Let others launch the image and, if they are accounts, copy it. May be repeated."""
    _modify_image(image.id, "Add", recipients, region)
    if may_copy:
        _modify_snapshots(image.snapshot_ids, "add", accounts_among(recipients), region)


def unshare_image(image: Image, recipients: Sequence[str], region: str) -> None:
    """Take both permissions back: first what lets them copy. May be repeated."""
    _modify_snapshots(image.snapshot_ids, "remove", accounts_among(recipients), region)
    _modify_image(image.id, "Remove", recipients, region)


@needs(
    "ec2:DescribeImageAttribute",
    SHARE_OURS.on("image"),
    ImageId=IMAGE.stand_in,
    Attribute=LAUNCH,
)
def shared_with(image_id: str, region: str) -> set[str]:
    """Return who may launch an image: accounts, ARNs of organizations and units, EVERYBODY."""
    with calling(f"describe the launch permissions of {image_id}"):
        answer = connect("ec2", region).describe_image_attribute(ImageId=image_id, Attribute=LAUNCH)
    return {
        value
        for permission in answer["LaunchPermissions"]
        for value in permission.values()
        if value
    }


@needs(
    "ec2:DescribeSnapshotAttribute",
    SHARE_OURS.on("snapshot"),
    only_for=SHARERS,
    SnapshotId=SNAPSHOT.stand_in,
    Attribute=CREATE_VOLUME,
)
def readable_by(snapshot_ids: Iterable[str], region: str) -> list[set[str]]:
    """Return the accounts that may read each of these snapshots; one call for each."""
    found: list[set[str]] = []
    for snapshot_id in snapshot_ids:
        with calling(f"describe who may read {snapshot_id}"):
            answer = connect("ec2", region).describe_snapshot_attribute(
                SnapshotId=snapshot_id, Attribute=CREATE_VOLUME
            )
        permissions = answer.get("CreateVolumePermissions", [])
        found.append({each["UserId"] for each in permissions if each.get("UserId")})
    return found


@needs("ec2:GetImageBlockPublicAccessState", ASK_FOR_BLOCK, only_for=SHARERS)
def is_public_blocked(region: str) -> bool:
    """Return whether the account blocks new public images in a region."""
    with calling(f"ask whether {region} blocks public images"):
        answer = connect("ec2", region).get_image_block_public_access_state()
    return str(answer["ImageBlockPublicAccessState"]) != "unblocked"
