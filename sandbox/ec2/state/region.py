"""One region of the cloud: all that exists there. Networks, groups and keys are moto's."""

import logging
import threading
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from moto.ec2.models import ec2_backends

from sandbox.ec2.errors import check_dry_run, not_found, refusal
from sandbox.ec2.model import Image, Instance, Snapshot, Volume
from sandbox.ec2.state import base_images
from sandbox.ec2.state.core import Core
from sandbox.ec2.state.default_network import lay_default_network
from sandbox.ec2.state.transitions import Course
from sandbox.ec2.state.visibility import Sight

log = logging.getLogger(__name__)


class Region:
    """What exists in one region. Hold the cloud's lock to look or to change.

    `find_x` finds what EC2 shows to the call that is being answered; the dictionaries have all.
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
        self.deregistered: set[str] = set()
        # As in an account that was made before AWS blocked it for new ones.
        self.blocks_public_images = False
        self.sight = Sight(core.clock, self.instances, self.network)
        self.course = Course(core)
        self.rules_lock = threading.Lock()
        for image, snapshot in base_images.in_region(name):
            self.images[image.id] = image
            self.snapshots[snapshot.id] = snapshot
        lay_default_network(self.network, core.machines.subnet)
        self._let_default_group_talk()

    def now(self) -> datetime:
        """Return the time in whole seconds, as EC2 reports it."""
        return self.core.clock.now().replace(microsecond=0)

    @property
    def account_id(self) -> str:
        return self.core.account_id

    def find_instance(self, instance_id: str) -> Instance:
        """Return the instance. Raises EC2's error where there is none."""
        found = self.instances.get(instance_id)
        if found and self.sight.shows(instance_id):
            return found
        raise not_found(instance_id, "i")

    def find_volume(self, volume_id: str) -> Volume:
        """Return the volume. Raises EC2's error where there is none."""
        found = self.volumes.get(volume_id)
        if found and self.sight.shows(volume_id):
            return found
        raise not_found(volume_id, "vol")

    def find_snapshot(self, snapshot_id: str) -> Snapshot:
        """Return the snapshot. Raises EC2's error where there is none."""
        found = self.snapshots.get(snapshot_id)
        if found and self.sight.shows(snapshot_id):
            return found
        raise not_found(snapshot_id, "snap")

    def find_image(self, image_id: str) -> Image:
        """Return the image. Raises EC2's error where there is none, or none any more."""
        found = self.images.get(image_id)
        if found and self.sight.shows(image_id):
            return found
        if image_id in self.deregistered:
            message = f"The image ID '{image_id}' is no longer available"
            raise refusal("InvalidAMIID.Unavailable", message)
        raise not_found(image_id, "ami")

    def find_group(self, group_id: str) -> Any:
        """Return moto's security group. Raises EC2's error where there is none."""
        found = self.network.get_security_group_from_id(group_id)
        if found and self.sight.shows(group_id):
            return found
        raise not_found(group_id, "sg")

    def volumes_of(self, instance_id: str) -> list[Volume]:
        """Return the volumes attached to an instance, root first, then by device."""
        attached = [
            volume
            for volume in self.volumes.values()
            if volume.attachment and volume.attachment.instance_id == instance_id
        ]
        return sorted(attached, key=lambda v: (not v.is_root, v.attachment and v.attachment.device))

    def volumes_ending_with(self, instance_id: str) -> list[str]:
        """Return the volumes that are deleted when their instance ends."""
        with self.core.lock:
            return [
                volume.id
                for volume in self.volumes_of(instance_id)
                if volume.attachment and volume.attachment.delete_on_termination
            ]

    def delete_disks(self, volume_ids: Sequence[str]) -> None:
        """Remove what lies behind volumes that end. Takes its time: do not hold the lock."""
        for volume_id in volume_ids:
            try:
                self.core.machines.delete_volume(volume_id)
            except Exception:
                # The file stays until the sandbox goes down; the instance ends all the same.
                log.exception("The disk of %s could not be removed", volume_id)

    def release_volumes(self, instance_id: str, ending: Sequence[str]) -> None:
        """Forget the volumes that end with their instance; the others are free again."""
        for volume_id in ending:
            self.volumes.pop(volume_id, None)
            self.untag(volume_id)
        for volume in self.volumes_of(instance_id):
            volume.attachment, volume.state = None, "available"

    def tags_of(self, resource_id: str) -> dict[str, str]:
        """Return a copy of the tags."""
        return dict(self.network.tags.get(resource_id, {}))

    def tag(self, resource_id: str, tags: Mapping[str, str]) -> None:
        """Add tags that have been checked already."""
        if tags:
            self.network.tags[resource_id].update(tags)

    def untag(self, resource_id: str, key: str | None = None) -> None:
        """Remove one tag, or all of a resource that is gone."""
        if key is None:
            self.network.tags.pop(resource_id, None)
        else:
            self.network.tags[resource_id].pop(key, None)

    def _let_default_group_talk(self) -> None:
        """Add what moto leaves out: the members of the default group reach one another."""
        group = self.network.get_default_security_group()
        self.network.authorize_security_group_ingress(
            group.id, "-1", None, None, [], source_groups=[{"GroupId": group.id}]
        )

    @staticmethod
    def check_dry_run(parameters: Mapping[str, object]) -> None:
        """Stop a trial call here."""
        check_dry_run(parameters)
