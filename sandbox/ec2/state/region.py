"""A region of the cloud: all resources in it. moto keeps the networks, groups and key pairs."""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, TypeVar

from moto.ec2.models import ec2_backends

from sandbox.ec2.errors import check_dry_run, ec2_error, not_found
from sandbox.ec2.model import ElasticAddress, Image, Instance, Snapshot, Volume
from sandbox.ec2.state import base_images
from sandbox.ec2.state.core import Core
from sandbox.ec2.state.default_network import create_default_network
from sandbox.ec2.state.transitions import Transitions
from sandbox.ec2.state.visibility import Visibility

log = logging.getLogger(__name__)
Resource = TypeVar("Resource")


class Region:
    """The resources of a region. Hold the cloud's lock to read or to change them.

    `find_x` finds what EC2 shows to the call that is being answered; the dictionaries hold all.
    """

    def __init__(self, core: Core, name: str) -> None:
        self.core = core
        self.name = name
        self.network: Any = ec2_backends[core.account_id][name]
        """moto's EC2 backend: subnets, groups, interfaces, key pairs, tags, instance types."""
        self.instances: dict[str, Instance] = {}
        self.volumes: dict[str, Volume] = {}
        self.snapshots: dict[str, Snapshot] = {}
        self.images: dict[str, Image] = {}
        self.elastic_addresses: dict[str, ElasticAddress] = {}
        self.deregistered: set[str] = set()
        # As in an account that is older than AWS's default for new accounts.
        self.blocks_public_images = False
        self.visibility = Visibility(core.clock, self.instances, self.network)
        self.transitions = Transitions(core)
        self.rules_lock = threading.Lock()
        for image, snapshot in base_images.images_in_region(name):
            self.images[image.id] = image
            self.snapshots[snapshot.id] = snapshot
        create_default_network(self.network, core.machines.subnet)

    def now(self) -> datetime:
        """Return the time in whole seconds, as EC2 reports it."""
        return self.core.clock.now().replace(microsecond=0)

    @property
    def account_id(self) -> str:
        return self.core.account_id

    def find_instance(self, instance_id: str) -> Instance:
        """Return the instance. Raises EC2's error if it is not found."""
        return self._find(self.instances, instance_id, "i")

    def find_volume(self, volume_id: str) -> Volume:
        return self._find(self.volumes, volume_id, "vol")

    def find_snapshot(self, snapshot_id: str) -> Snapshot:
        return self._find(self.snapshots, snapshot_id, "snap")

    def find_image(self, image_id: str) -> Image:
        """Return the image. Raises EC2's error if it is not found or deregistered."""
        if image_id in self.deregistered:
            message = f"The image ID '{image_id}' is no longer available"
            raise ec2_error("InvalidAMIID.Unavailable", message)
        return self._find(self.images, image_id, "ami")

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
