"""What there has ever been in the cloud, and what there is: looked at in its own state."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from moto.scheduler.models import scheduler_backends
from moto.ssm.models import ssm_backends

ACCEPTED = "notebake:accepted"
ROLE = "notebake:role"
NUMBER = "notebake:number"
PUBLIC_PARAMETERS = ("/aws/", "/sandbox/base/")
"""What the cloud itself tells of its base images."""


@dataclass
class History:
    """Everything that the account has owned, by what it was for."""

    cloud: Any
    region_name: str
    users_own: set[str] = field(default_factory=set)
    """What was there before the run."""
    ever: dict[str, str] = field(default_factory=dict)
    """Id → what it was for; whatever is the same purpose twice has been doubled."""

    def look(self) -> None:
        """Remember what is there now."""
        for resource_id, purpose in self._purposes():
            if resource_id not in self.users_own:
                self.ever.setdefault(resource_id, purpose)

    def doubled(self) -> list[str]:
        """Return the purposes for which there has been more than one thing."""
        counted = Counter(self.ever.values())
        return [f"{count} of {purpose}" for purpose, count in counted.items() if count > 1]

    def accepted(self) -> list[str]:
        """Return the accepted images."""
        region = self.region
        own = (image for image in region.images.values() if image.owner_id == region.account_id)
        return [image.id for image in own if ACCEPTED in region.tags_of(image.id)]

    def left(self) -> list[str]:
        """Return what there is beside accepted images with their snapshots."""
        region, accepted = self.region, self.accepted()
        kept = {*accepted, *self.users_own}
        for image_id in accepted:
            kept |= {line.snapshot_id for line in region.images[image_id].mapping}
        present = dict(self._present())
        return [
            f"{what} {resource_id}"
            for resource_id, what in present.items()
            if resource_id not in kept
        ]

    @property
    def region(self) -> Any:
        return self.cloud.region(self.region_name)

    def _purposes(self) -> list[tuple[str, str]]:
        """Return each thing with what it is for."""
        region, found = self.region, []
        for instance in region.instances.values():
            marks = region.tags_of(instance.id)
            machine = f"{marks.get(ROLE)}-{marks.get(NUMBER, '1')}"
            found.append((instance.id, f"instance {machine}"))
            found += [
                (volume.id, f"volume {volume.attachment.device} of {instance.id}")
                for volume in region.volumes_of(instance.id)
                if volume.attachment
            ]
        for image in region.images.values():
            if image.owner_id == region.account_id:
                found.append((image.id, "image"))
                found += [
                    (line.snapshot_id, f"snapshot {line.device} of {image.id}")
                    for line in image.mapping
                    if line.snapshot_id
                ]
        return found + [
            (resource_id, what)
            for resource_id, what in self._present()
            if what in ONE_FOR_EACH_NAME
        ]

    def _present(self) -> list[tuple[str, str]]:
        """Return what costs or clutters: id and kind."""
        region, network, account = self.region, self.region.network, self.cloud.account_id
        own = [snapshot for snapshot in region.snapshots.values() if snapshot.owner_id == account]
        groups = [group for each in network.groups.values() for group in each.values()]
        schedules = scheduler_backends[account][self.region_name].schedule_groups.values()
        parameters = ssm_backends[account][self.region_name]._parameters
        return [
            *((o.id, f"instance ({o.state})") for o in region.instances.values() if o.is_live),
            *((volume.id, "volume") for volume in region.volumes.values()),
            *((snapshot.id, "snapshot") for snapshot in own),
            *((o.id, "image") for o in region.images.values() if o.owner_id == account),
            *((eni.id, "network interface") for eni in network.enis.values()),
            *((group.id, "group") for group in groups if group.name != "default"),
            *(
                (key_pair.id, f"key pair {key_pair.key_name}")
                for key_pair in network.key_pairs.values()
            ),
            *((n, "schedule") for each in schedules for n in each.schedules),
            *((n, "parameter") for n in parameters if not n.startswith(PUBLIC_PARAMETERS)),
        ]


ONE_FOR_EACH_NAME: frozenset[str] = frozenset({"group"})
