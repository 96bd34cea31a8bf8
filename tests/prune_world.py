"""Images of every age and use in the strict cloud, made in no time, for tests of prunes."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

from notebake import clock
from notebake.aws import tags
from notebake.aws.names import name_of_image
from notebake.clock import RealClock
from notebake.images.pointer_record import PointedImage, StoredPointer
from notebake.recipe import Prune, Recipe
from notebake.runs.open_store import open_store
from notebake.store.interface import RunStore
from notebake.timestamps import utc_from_seconds
from sandbox.api.application import Reply
from sandbox.ec2.model import BlockDevice, Image, Snapshot, new_id
from sandbox.ec2.state.region import Region
from sandbox.messages.call import Call
from tests.cloud_world import REGION, CloudWorld, cloud_world
from tests.preflight_world import without_length
from tests.store_world import LOCATION, world_with_bucket

POLICY = Prune(
    keep=2,
    younger_than_days=30,
    launched_within_days=10,
    disable_after_days=20,
    remove_after_days=15,
)
OCEAN = Recipe(name="ocean", region=REGION, prune=POLICY)
DAY_SECONDS = 86400.0


class ShiftedClock(RealClock):
    """The time of this machine, so many seconds later."""

    def __init__(self) -> None:
        self.shift_seconds = 0.0

    def now(self) -> float:
        """Return the wall clock's seconds, as they will be then."""
        return super().now() + self.shift_seconds


@dataclass
class PruneWorld:
    """A cloud, a run store, and a clock that both have."""

    world: CloudWorld
    location: str
    clock: ShiftedClock
    builders: dict[str, str] = field(default_factory=dict)

    @property
    def store(self) -> RunStore:
        return open_store(self.location)

    @property
    def region(self) -> Region:
        return self.world.sandbox.cloud.region(REGION)

    @property
    def ec2(self) -> Any:
        return self.world.ec2

    def advance(self, days: float) -> None:
        """Let days go by, for the cloud and for us."""
        self.clock.shift_seconds += days * DAY_SECONDS
        self.world.sandbox.advance(days * DAY_SECONDS)

    def image(
        self,
        days: float = 100,
        *,
        recipe: str = "ocean",
        snapshots: int = 2,
        marks: dict[str, str] | None = None,
        **changes: Any,
    ) -> str:
        """Make an accepted image of so many days, as a bake leaves it; return its id."""
        region, image_id = self.region, new_id("ami")
        made = region.now() - timedelta(days=days)
        run_id = f"{recipe}-{made:%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
        builder = new_id("i")
        mapping = [
            BlockDevice(f"/dev/sd{'abcdef'[number]}", 8, self.snapshot(run_id))
            for number in range(snapshots)
        ]
        usual: dict[str, Any] = {
            "name": name_of_image(run_id),
            "mapping": mapping,
            "state": "available",
            "source_instance_id": builder,
            "launch_times": [made + timedelta(minutes=20)],
        }
        region.images[image_id] = Image(
            id=image_id,
            owner_id=region.account_id,
            description="",
            creation_date=made,
            **usual | changes,
        )
        accepted = tags.as_tag(made + timedelta(hours=1))
        given = {tags.RUN: run_id, tags.RECIPE: recipe, tags.BUILDER: builder}
        given |= {tags.ACCEPTED: accepted} | (marks or {})
        region.tag(image_id, {key: value for key, value in given.items() if value})
        return image_id

    def snapshot(self, run_id: str) -> str:
        """Make a complete snapshot of a run; return its id."""
        region, snapshot_id = self.region, new_id("snap")
        region.snapshots[snapshot_id] = Snapshot(
            id=snapshot_id,
            volume_id=new_id("vol"),
            size_gib=8,
            owner_id=region.account_id,
            state="completed",
            progress="100%",
            is_root=True,
            full_bytes=3 * 2**30,
            start_time=region.now(),
        )
        region.tag(snapshot_id, {tags.RUN: run_id, tags.ACCEPTED: "yes"})
        return snapshot_id

    def snapshots_of(self, image_id: str) -> list[str]:
        return list(self.region.images[image_id].snapshot_ids)

    def instance(self, image_id: str, state: str = "running") -> str:
        """Let a machine have been launched from an image; return its id."""
        base = self.world.sandbox.cloud.region(REGION).images
        ubuntu = next(id for id, each in base.items() if each.owner_alias == "amazon")
        answer = self.ec2.run_instances(
            ImageId=ubuntu, InstanceType="m5.large", MinCount=1, MaxCount=1
        )
        instance_id = str(answer["Instances"][0]["InstanceId"])
        self.region.instances[instance_id].image_id = image_id
        self.region.instances[instance_id].state = state
        return instance_id

    def point(self, image_id: str, *previous: str, recipe: str = "ocean", **changes: Any) -> None:
        """Let an image be the current one of a recipe."""
        stored = StoredPointer(recipe, REGION, self.store)
        before = tuple(map(self._pointed, previous))
        stored.write(current=self._pointed(image_id), previous=before, **changes)

    def _pointed(self, image_id: str) -> PointedImage:
        return PointedImage(
            image_id=image_id, run_id="r", since=utc_from_seconds(clock.now()), by="p-ada"
        )

    def counted(self) -> dict[str, int]:
        """Return how many calls of each action there were so far."""
        actions = [call.action for call in self.world.sandbox.calls()]
        return {action: actions.count(action) for action in dict.fromkeys(actions)}


class LeavesSnapshots:
    """Lets EC2 deregister an image, and fail to delete its snapshots for a reason of its own."""

    def __init__(self, world: PruneWorld, image_id: str) -> None:
        self._region, self.fired = world.region, 0
        ids = world.snapshots_of(image_id)
        self._kept = {id: (self._region.snapshots[id], self._region.tags_of(id)) for id in ids}

    def before(self, call: Call) -> None:
        """Let the call be carried out."""

    def after(self, call: Call, reply: Reply) -> Reply:
        """Put the snapshots back, and say so."""
        if call.action != "DeregisterImage":
            return reply
        self.fired += 1
        for snapshot_id, (snapshot, marks) in self._kept.items():
            self._region.snapshots[snapshot_id] = snapshot
            self._region.tag(snapshot_id, marks)
        text = reply.body.replace(b">success<", b">internal-error<")
        return Reply(reply.status, without_length(reply.headers), text)


@contextmanager
def prune_world(directory: Path, *, is_remote: bool = False) -> Iterator[PruneWorld]:
    """Run an empty cloud with a run store."""
    opened = world_with_bucket(directory) if is_remote else cloud_world(directory)
    shifted = ShiftedClock()
    with opened as world, clock.replaced(shifted):
        yield PruneWorld(world, LOCATION if is_remote else str(directory / "runs"), shifted)
