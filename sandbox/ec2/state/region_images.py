"""The images and snapshots of a region, whoever owns them, and which of them an account may use."""

from collections.abc import Mapping
from typing import Any

from sandbox.ec2.model import Image, Snapshot
from sandbox.ec2.state import base_images

SHARED_TAGS = "ec2:SharedTag/"
"""How the keys of those tags of an image begin that all see who may launch it.

https://aws.amazon.com/blogs/compute/introducing-ec2-ami-tag-sharing-share-ec2-tags-across-aws-accounts/
"""


class RegionImages:
    """What the accounts of a region have in common. Hold the cloud's lock."""

    def __init__(self, region_name: str) -> None:
        self.images: dict[str, Image] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.tags: dict[str, Mapping[str, Mapping[str, str]]] = {}
        """moto's tags of each account, by resource."""
        for image, snapshot in base_images.images_in_region(region_name):
            self.images[image.id] = image
            self.snapshots[snapshot.id] = snapshot

    def shown_images(self, account_id: str) -> dict[str, Image]:
        """Return the images that an account may launch; it is shown no others."""
        return {image.id: image for image in self.images.values() if may_launch(image, account_id)}

    def shown_snapshots(self, account_id: str) -> dict[str, Snapshot]:
        """Return the snapshots from which an account may make volumes; it is shown no others."""
        return {
            snapshot.id: snapshot
            for snapshot in self.snapshots.values()
            if may_read(snapshot, account_id)
        }

    def shared_tags(self, resource_id: str, account_id: str) -> dict[str, str]:
        """Return the tags of another account's image that its owner shows to this account."""
        image = self.images.get(resource_id)
        if image is None or image.owner_id == account_id:
            return {}
        owners: Mapping[str, Any] = self.tags.get(image.owner_id, {})
        tags: Mapping[str, str] = owners.get(resource_id, {})
        return {key: value for key, value in tags.items() if key.startswith(SHARED_TAGS)}


def may_launch(image: Image, account_id: str) -> bool:
    """Return whether an account may launch an image: its own, a public one, or one shared with it.

    https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/sharing-amis.html
    """
    if image.owner_id == account_id or image.is_public:
        return True
    return {"UserId": account_id} in image.launch_permissions


def may_read(snapshot: Snapshot, account_id: str) -> bool:
    """Return whether an account may make volumes from a snapshot; an image's may be shared less.

    https://docs.aws.amazon.com/ebs/latest/userguide/ebs-modifying-snapshot-permissions.html
    """
    if snapshot.owner_id == account_id or "all" in snapshot.groups:
        return True
    return account_id in snapshot.user_ids
