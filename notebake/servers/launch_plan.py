"""What a server is launched with: all of it is known before anything is paid for."""

from typing import Any

from pydantic import Field

from notebake import clock
from notebake.aws import tags
from notebake.record import Record
from notebake.servers.ends import IDLE_MINUTES, Wishes, tags_of_ends
from notebake.servers.image_choice import ChosenImage
from notebake.servers.names import default_type
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
    size_gib: int = 0
    """Of all its disks."""
    disks: tuple[dict[str, Any], ...] = ()
    """Block device mappings besides those of the image."""
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
) -> LaunchPlan:
    """Return the launch of a server from an image; what was not asked for is as usual."""
    idle = IDLE_MINUTES if wishes.idle_minutes is None else wishes.idle_minutes
    marks = tags_of_ends(idle, wishes.daily_end, utc_from_seconds(clock.now()))
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
        size_gib=image.size_gib,
        profile=profile,
        tags=marks,
        changes=wishes.tags(),
    )
