"""An account in the sandbox with the images of some of many runs, and a machine of an open one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from moto.s3.models import s3_backends

from benchmarks.record_runs import ACCOUNT, run_id_of
from notebake.aws import tags
from notebake.aws.names import name_of_image
from notebake.resources.stack_instances import find_instances
from notebake.runs.executing import executing
from tests.cloud_steps import carry_out_to
from tests.cloud_world import REGION, CloudWorld
from tests.ec2_actions import Ec2Actions
from tests.store_world import BUCKET, world_with_bucket

IMAGES = 30
PREFIX = "bakes"
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox"}


@dataclass(frozen=True)
class FullAccount:
    """What is in the account."""

    world: CloudWorld
    image_ids: tuple[str, ...]
    """The images of the first runs."""

    def open_run(self) -> Iterator[tuple[str, bytes]]:
        """Yield the keys and contents of the open run in a run store."""
        folder = self.world.directory / "runs"
        for path in folder.rglob("[!.]*"):
            if path.is_file():
                yield str(path.relative_to(folder)), path.read_bytes()


@contextmanager
def account_opened(folder: Path) -> Iterator[FullAccount]:
    """Run a cloud with an account."""
    own = CREDENTIALS | {"NOTEBAKE_HOME": str(folder / "home"), "AWS_REGION": REGION}
    with mock.patch.dict(os.environ, own), world_with_bucket(folder / "world") as world:
        run = world.new_run()
        with executing(run):
            carry_out_to(run, "launch_instance")
        (builder,) = find_instances(run, "builder")
        ids = [_make_image(world, builder.id, run_id_of(number)) for number in range(IMAGES)]
        yield FullAccount(world, tuple(ids))


def _make_image(world: CloudWorld, builder_id: str, run_id: str) -> str:
    """Return a new image, once it is available: EC2 takes few snapshots of a volume at a time."""
    marks = {tags.RUN: run_id, tags.RECIPE: "ocean", tags.BUILDER: builder_id}
    marks |= {tags.ROLE: "image", tags.ACCEPTED: "2026-11-29T12:30:00+00:00"}
    answer = world.ec2.create_image(
        InstanceId=builder_id,
        Name=name_of_image(run_id),
        NoReboot=True,
        TagSpecifications=tags.specifications(marks, "image", "snapshot"),
    )
    image_id = str(answer["ImageId"])
    Ec2Actions(world.ec2, image_id, "").wait_for_image(image_id)
    return image_id


def put_in_bucket(key: str, content: bytes) -> None:
    """Put an object into the bucket of this process, without a request."""
    backend = s3_backends[ACCOUNT.id]["aws"]
    backend.put_object(BUCKET, f"{PREFIX}/{key}", content, disable_notification=True)
