"""Apache Libcloud, which has nothing of AWS's own libraries, drives the sandbox."""

from pathlib import Path

import pytest

from sandbox.ec2.state import base_images
from tests.clients.bakes import read_command, write_command
from tests.clients.programs import Program, installed_or_skip
from tests.sandbox.bake_world import REGION, Cloud

SCRIPT = Path(__file__).parent / "libcloud/cycle.py"
BASE = base_images.image_id(base_images.RELEASES[0], REGION)

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module", autouse=True)
def path() -> str:
    return installed_or_skip("Apache Libcloud", "libcloud", "bin/python")


def test_libcloud_goes_through_the_whole_cycle(
    path: str, clean_cloud: Cloud, settings: dict[str, str], tmp_path: Path
) -> None:
    libcloud = Program(path, tmp_path, settings)
    home = clean_cloud.home
    commands = (write_command("{}", "libcloud"), read_command("{}"))
    place = (str(home.api_port), home.subnet, BASE, str(tmp_path))
    assert libcloud.run(str(SCRIPT), *place, *commands).split() == ["libcloud", "libcloud"]
