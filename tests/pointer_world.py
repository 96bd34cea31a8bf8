"""Accepted images in the strict cloud and in a run store, for tests of the pointer."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebake import clock
from notebake.aws import tags
from notebake.aws.clients import connect
from notebake.aws.image_parameter import parameter_of
from notebake.aws.model import Image
from notebake.recipe import Recipe
from notebake.runs.open_store import open_store
from notebake.runs.registry import load_run
from notebake.runs.run import Run
from notebake.store.interface import RunStore
from sandbox.ec2.model import BlockDevice
from sandbox.ec2.model import Image as SandboxImage
from tests.cloud_world import REGION, CloudWorld, cloud_world
from tests.ec2_actions import code_of
from tests.quick_clock import QuickClock
from tests.store_world import LOCATION, world_with_bucket
from tests.update_images import store_image

NAME = "ocean"
RECIPE = Recipe(name=NAME, region=REGION)
SPEED = 60
Baked = tuple[Run, Image]
ACCEPTED = "2026-11-29T12:30:00+00:00"


@dataclass
class PointerWorld:
    """A cloud and a run store, in which accepted images are made in no time."""

    world: CloudWorld
    location: str

    @property
    def store(self) -> RunStore:
        return open_store(self.location)

    @property
    def ssm(self) -> Any:
        return connect("ssm", REGION)

    def bake(
        self,
        *,
        recipe: Recipe = RECIPE,
        base: str = "",
        is_accepted: bool = True,
        is_in_record: bool = True,
    ) -> Baked:
        """Return a run with an image that is available, and accepted unless it is not to be."""
        image_id = f"ami-{secrets.token_hex(8)}0"
        region = self.world.sandbox.cloud.region(REGION)
        region.images[image_id] = SandboxImage(
            id=image_id,
            name=f"{recipe.name} {image_id}",
            owner_id=region.account_id,
            description="",
            mapping=[BlockDevice("/dev/sda1", size_gib=8)],
            state="available",
            creation_date=region.now(),
        )
        run_id = store_image(
            self.location,
            recipe,
            image_id=image_id if is_in_record else "ami-0fedcba9876543210",
            base=base or "ami-0aaaaaaaaaaaaaaaa",
            accepted=ACCEPTED,
        )
        run = load_run(run_id, self.store)
        marks = {tags.RUN: run.id, tags.RECIPE: recipe.name}
        marks |= {tags.ACCEPTED: ACCEPTED} if is_accepted else {}
        marks |= {tags.BASE_IMAGE: base} if base else {}
        self.world.ec2.create_tags(Resources=[image_id], Tags=tags.as_list(marks))
        return run, Image(id=image_id, name="", state="available", tags=marks)

    def named(self, recipe: str = NAME) -> str:
        """Return what the parameter of a recipe names; "" if there is none."""
        name = parameter_of(recipe)
        if code_of(self.ssm.get_parameter, Name=name) != "OK":
            return ""
        return str(self.ssm.get_parameter(Name=name)["Parameter"]["Value"])

    def marked(self, recipe: str = NAME) -> Sequence[str]:
        """Return the images of a recipe whose tags say that they are current."""
        wanted = [
            {"Name": f"tag:{tags.CURRENT}", "Values": ["yes"]},
            {"Name": f"tag:{tags.RECIPE}", "Values": [recipe]},
        ]
        found = self.world.ec2.describe_images(Owners=["self"], Filters=wanted)["Images"]
        return [str(image["ImageId"]) for image in found]


@contextmanager
def pointer_world(directory: Path, *, is_remote: bool = False) -> Iterator[PointerWorld]:
    """Run an empty cloud with a run store; our own waiting is quicker than it would be."""
    opened = world_with_bucket(directory) if is_remote else cloud_world(directory)
    with opened as world, clock.replaced(QuickClock(SPEED)):
        yield PointerWorld(world, LOCATION if is_remote else str(directory / "runs"))
