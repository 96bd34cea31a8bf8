"""A region of an account: all resources in it. moto keeps networks, groups and key pairs."""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from moto.ec2.models import ec2_backends

from sandbox.ec2.errors import check_dry_run, ec2_error, not_found
from sandbox.ec2.model import ElasticAddress, Image, Instance, Snapshot, Volume
from sandbox.ec2.state.client_tokens import ClientTokens
from sandbox.ec2.state.core import Core
from sandbox.ec2.state.default_network import create_default_network
from sandbox.ec2.state.region_images import RegionImages
from sandbox.ec2.state.snapshot_queue import SnapshotQueue
from sandbox.ec2.state.transitions import Transitions
from sandbox.ec2.state.visibility import Visibility

log = logging.getLogger(__name__)
Resource = TypeVar("Resource")


class Region:
    """The resources of an account in a region. Hold the cloud's lock to read or to change them.

    `find_x` finds what EC2 shows to the call that is being answered; the dictionaries hold all,
    those of images and snapshots also what other accounts own.
    """

    def __init__(self, core: Core, name: str, account_id: str, common: RegionImages) -> None:
        self.core = core
        self.name = name
        self.account_id = account_id
        self.network: Any = ec2_backends[account_id][name]
        """moto's EC2 backend: subnets, groups, interfaces, key pairs, tags, instance types."""
        self.instances: dict[str, Instance] = {}
        self.volumes: dict[str, Volume] = {}
        self.snapshots = common.snapshots
        self.images = common.images
        self.elastic_addresses: dict[str, ElasticAddress] = {}
        self.deregistered: set[str] = set()
        self.tokens = ClientTokens()
        self.snapshot_queue = SnapshotQueue()
        # As in an account that is older than AWS's default for new accounts.
        self.blocks_public_images = False
        self.visibility = Visibility(core.clock, self.instances, self.network)
        self.transitions = Transitions(core)
        self.rules_lock = threading.Lock()
        self._common = common
        common.tags[account_id] = self.network.tags
        create_default_network(self.network, core.machines.subnet)

    def now(self) -> datetime:
        """Return the time in whole seconds, as EC2 reports it."""
        return self.core.clock.now().replace(microsecond=0)

    def find_instance(self, instance_id: str) -> Instance:
        """Return the instance. Raises EC2's error if it is not found."""
        return self._find(self.instances, instance_id, "i")

    def find_volume(self, volume_id: str) -> Volume:
        return self._find(self.volumes, volume_id, "vol")

    def find_snapshot(self, snapshot_id: str, image: Image | None = None) -> Snapshot:
        """Return a snapshot that the account may use, or one of an image that it may launch."""
        found = self.shown_snapshots()
        if image and snapshot_id in image.snapshot_ids:
            found = self.snapshots
        return self._find(found, snapshot_id, "snap")

    def find_image(self, image_id: str) -> Image:
        """Return the image. Raises EC2's error if it is not found or deregistered."""
        if image_id in self.deregistered:
            message = f"The image ID '{image_id}' is no longer available"
            raise ec2_error("InvalidAMIID.Unavailable", message)
        return self._find(self.shown_images(), image_id, "ami")

    def shown_images(self) -> dict[str, Image]:
        """Return the images that EC2 shows to the account: its own and those that it may launch."""
        return self._common.shown_images(self.account_id)

    def shown_snapshots(self) -> dict[str, Snapshot]:
        """Return the snapshots that EC2 shows to the account: its own and those that it may use."""
        return self._common.shown_snapshots(self.account_id)

    def find_group(self, group_id: str) -> Any:
        """Return moto's security group. Raises EC2's error if it is not found."""
        group = self.network.get_security_group_from_id(group_id)
        return self._find({group_id: group} if group else {}, group_id, "sg")

    def find_group_by_name(self, name: str, vpc_id: str) -> Any:
        group = self.network.get_security_group_from_name(name, vpc_id)
        if group and self.visibility.is_visible(group.id):
            return group
        message = f"The security group '{name}' does not exist in VPC '{vpc_id}'"
        raise ec2_error("InvalidGroup.NotFound", message)

    def find_key_pair(self, name: str) -> Any:
        pair = self.network.key_pairs.get(name)
        if pair and self.visibility.is_visible(pair.id):
            return pair
        raise ec2_error("InvalidKeyPair.NotFound", f"The key pair '{name}' does not exist")

    def _find(self, resources: Mapping[str, Resource], resource_id: str, kind: str) -> Resource:
        if resource_id in resources and self.visibility.is_visible(resource_id):
            return resources[resource_id]
        raise not_found(resource_id, kind)

    def volumes_of(self, instance_id: str) -> list[Volume]:
        """Return the volumes attached to an instance, the root first, then by device."""
        attached = [
            volume
            for volume in self.volumes.values()
            if volume.attachment and volume.attachment.instance_id == instance_id
        ]
        return sorted(attached, key=lambda v: (not v.is_root, v.attachment and v.attachment.device))

    def volumes_by_device(self, instance_id: str) -> dict[str, Volume]:
        """Return the volumes attached to an instance by their devices, the root first."""
        return {v.attachment.device: v for v in self.volumes_of(instance_id) if v.attachment}

    def volumes_ending_with(self, instance_id: str) -> list[str]:
        """Return the volumes that are deleted when their instance is terminated."""
        with self.core.lock:
            return [
                volume.id
                for volume in self.volumes_of(instance_id)
                if volume.attachment and volume.attachment.delete_on_termination
            ]

    def delete_disks(self, volume_ids: Sequence[str]) -> None:
        """Remove the files of these volumes. This takes time: do not hold the lock."""
        for volume_id in volume_ids:
            try:
                self.core.machines.delete_volume(volume_id)
            except Exception:
                # The file stays until the sandbox is taken down; the instance ends all the same.
                log.exception("The disk of %s could not be removed", volume_id)

    def release_volumes(self, instance_id: str, ending: Sequence[str]) -> None:
        """Forget the volumes that end with their instance, and make the others available."""
        for volume_id in ending:
            self.volumes.pop(volume_id, None)
            self.untag(volume_id)
        for volume in self.volumes_of(instance_id):
            volume.attachment, volume.state = None, "available"

    def tags_of(self, resource_id: str) -> dict[str, str]:
        return dict(self.network.tags.get(resource_id, {}))

    def shown_tags(self, resource_id: str) -> dict[str, str]:
        """Return the account's own tags, and of another's image those that its owner shares."""
        return {**self.shared_tags(resource_id), **self.tags_of(resource_id)}

    def shared_tags(self, resource_id: str) -> dict[str, str]:
        """Return the tags of another account's image that its owner shares."""
        return self._common.shared_tags(resource_id, self.account_id)

    def tag(self, resource_id: str, tags: Mapping[str, str]) -> None:
        """Add tags, which have been checked."""
        if tags:
            self.network.tags[resource_id].update(tags)

    def untag(self, resource_id: str, key: str | None = None) -> None:
        """Remove the tag with this key, or all tags of a deleted resource."""
        if key is None:
            self.network.tags.pop(resource_id, None)
        else:
            self.network.tags[resource_id].pop(key, None)

    @staticmethod
    def check_dry_run(parameters: Mapping[str, object]) -> None:
        """End a dry run here."""
        check_dry_run(parameters)
