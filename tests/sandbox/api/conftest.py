"""One strict cloud for each test, into which a test may look; its hosts exist in memory only.

What holds of EC2 as well, and can be seen through its API alone, is tested in tests/conformance.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from sandbox.ec2.state import base_images
from tests.ec2_actions import REGION, Ec2Actions, client
from tests.strict_cloud import StrictCloud, strict_cloud_opened

ZONE = "us-west-2a"
UBUNTU = base_images.image_id(base_images.RELEASES[0], REGION)


@dataclass(kw_only=True)
class World(Ec2Actions):
    """A strict cloud, an EC2 client of it, and what only a sandbox lets one do."""

    sandbox: StrictCloud

    @property
    def machines(self) -> Any:
        return self.sandbox.machines

    def fail(self, effect: str, **more: Any) -> str:
        return self.sandbox.fail(effect, **more)

    def fired(self, name: str) -> int:
        return self.sandbox.fired(name)

    def advance(self, seconds: float) -> None:
        self.sandbox.advance(seconds)


def world_of(opened: StrictCloud, ec2: Any = None) -> World:
    """Return the world of a cloud, with a client of one's own or the usual one."""
    return World(
        ec2=ec2 or client("ec2", opened.endpoint_url),
        image_id=UBUNTU,
        zone=ZONE,
        usual={"InstanceType": "t3.micro"},
        sandbox=opened,
    )


@pytest.fixture
def world() -> Iterator[World]:
    with strict_cloud_opened() as opened:
        yield world_of(opened)
