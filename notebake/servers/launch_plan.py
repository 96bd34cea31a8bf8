"""What a server is launched with: all of it is known before anything is paid for."""

from collections.abc import Sequence
from typing import Any

from pydantic import Field

from notebake import clock
from notebake.aws import tags
from notebake.record import Record
from notebake.servers.ends import IDLE_MINUTES, Wishes, tags_of_ends
from notebake.servers.image_choice import ChosenImage
from notebake.servers.names import default_type
from notebake.servers.server import LOGIN_USER
from notebake.servers.server_disks import disks_of_launch, tag_of_disks
from notebake.servers.wanted_volume import WantedVolume
from notebake.timestamps import utc_from_seconds


class LaunchPlan(Record):
    """What is launched; all of it is known before anything is paid for."""

    name: str
    owner: str
    region: str
    image_id: str
    instance_type: str
    subnets: tuple[dict[str, str], ...]
    """The subnets to try, in order: each with SubnetId and AvailabilityZone."""
    is_public: bool = True
    public_key: str
    image_disks: tuple[dict[str, Any], ...] = ()
    """Block device mappings of the image."""
    disks: tuple[dict[str, Any], ...] = ()
    """Block device mappings besides those of the image."""
    volumes: tuple[WantedVolume, ...] = ()
    """Volumes that outlive the server; they are attached when it runs."""
    has_elastic_address: bool = False
    profile: str = ""
    """The name of an instance profile."""
    tags: dict[str, str]
    changes: dict[str, str] = Field(default_factory=dict)
    """Those of the tags that were asked for by name: a server that is there gets them, too."""


def plan_launch(
    image: ChosenImage,
    *,
    name: str,
    owner: str,
    region: str,
    subnets: tuple[dict[str, str], ...],
    public_key: str,
    wishes: Wishes,
    instance_type: str = "",
    profile: str = "",
    disks: Sequence[WantedVolume] = (),
    volumes: Sequence[WantedVolume] = (),
    has_elastic_address: bool = False,
) -> LaunchPlan:
    """Return the launch of a server from an image; what was not asked for is as usual.

    `disks` are made with it and end with it; `volumes` outlive it.

    Raises:
        NotebakeError: a disk has no size, or they are too many for a tag.
    """
    taken = [each["DeviceName"] for each in image.mapping]
    made, mapping = disks_of_launch(disks, taken, LOGIN_USER)
    idle = IDLE_MINUTES if wishes.idle_minutes is None else wishes.idle_minutes
    marks = tags_of_ends(idle, wishes.daily_end or "", utc_from_seconds(clock.now()))
    if wishes.scheduler_role:
        marks[tags.SCHEDULER_ROLE] = wishes.scheduler_role
    if image.recipe:
        # By this tag people see that the server comes from an image of notebake's.
        marks[tags.RECIPE] = image.recipe
    return LaunchPlan(
        name=name,
        owner=owner,
        region=region,
        image_id=image.id,
        instance_type=instance_type or default_type(image.architecture),
        subnets=subnets,
        public_key=public_key,
        image_disks=image.mapping,
        disks=tuple(mapping),
        volumes=tuple(volumes),
        has_elastic_address=has_elastic_address,
        profile=profile,
        tags=marks | tag_of_disks(made),
        changes=wishes.tags(),
    )
