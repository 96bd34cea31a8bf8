"""What a server is said to cost before its first start is what it costs afterwards."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from notebake.servers.ends import Wishes
from notebake.servers.image_choice import choose_image
from notebake.servers.launch_plan import LaunchPlan, plan_launch
from notebake.servers.own_disks import price_of, price_of_plan
from notebake.servers.start import start, subnets_to_try
from notebake.servers.wanted_volume import WantedVolume
from sandbox.ec2.model import BlockDevice
from tests.cloud_world import REGION
from tests.ec2_actions import PUBLIC_KEY
from tests.server_world import OWNER, UBUNTU, ServerWorld, server_world


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ServerWorld]:
    with server_world(tmp_path) as opened:
        yield opened


def planned(world: ServerWorld, **disk: object) -> LaunchPlan:
    """Plan a server from an image with one disk of 100 GiB, and a disk of its own."""
    image = world.world.sandbox.cloud.region(REGION).images[UBUNTU]
    (root, *_) = image.mapping
    kept = {"snapshot_id": root.snapshot_id, "delete_on_termination": True, "size_gib": 100}
    image.mapping = [BlockDevice(root.device, **kept | disk)]  # type: ignore[arg-type]
    return plan_launch(
        choose_image(UBUNTU, REGION),
        name="ocean",
        owner=OWNER,
        region=REGION,
        subnets=subnets_to_try(REGION)[1],
        public_key=PUBLIC_KEY.decode(),
        wishes=Wishes(),
        disks=[WantedVolume(name="work", size_gib=10, mount="/work")],
    )


def test_the_performance_of_the_images_disks_counts(world: ServerWorld) -> None:
    plan = planned(world, iops=16000, throughput=1000)
    before = price_of_plan(plan, None)

    after = price_of(start(plan, subnets_to_try(REGION)[0], mounts=False))

    # 110 GiB, 13000 IOPS and 875 MiB/s above what is included.
    assert after.usd_per_month_stopped == pytest.approx(8.8 + 65 + 35)
    assert before == after


def test_a_disk_without_a_price_makes_no_price(world: ServerWorld) -> None:
    assert price_of_plan(planned(world, volume_type="gp2"), None).usd_per_month_stopped is None
