"""The AWS SDK for JavaScript, with a signer, XML parser and waiters of its own."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from sandbox.ec2.state import base_images
from tests.clients.bakes import log_in, read_command, write_command
from tests.clients.programs import Program, find_or_skip, installed_or_skip
from tests.sandbox.bake_world import REGION, Cloud
from tests.sandbox.test_hosts import make_key

MODERN = "process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)"
SCRIPT = Path(__file__).parent / "javascript/cycle.mjs"
BASE = base_images.image_id(base_images.RELEASES[0], REGION)

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module", autouse=True)
def path() -> str:
    return find_or_skip("Node.js 20", "node", "--eval", MODERN)


@pytest.fixture(scope="module", autouse=True)
def modules() -> str:
    return installed_or_skip("The AWS SDK for JavaScript", "javascript", "node_modules")


class Script(Program):
    """The steps of `cycle.mjs`."""

    def take(self, step: str, *words: str) -> dict[str, Any]:
        """Take one step and return what came of it."""
        document: dict[str, Any] = json.loads(self.run(SCRIPT.name, step, *words))
        return document


@pytest.fixture
def script(path: str, modules: str, settings: dict[str, str], tmp_path: Path) -> Script:
    shutil.copy(SCRIPT, tmp_path)
    (tmp_path / "node_modules").symlink_to(modules)
    return Script(path, tmp_path, settings)


def test_the_sdk_for_javascript_goes_through_the_whole_cycle(
    script: Script, clean_cloud: Cloud, tmp_path: Path
) -> None:
    key = tmp_path / "key"
    make_key(key)
    script.take("prepare", f"{key}.pub", clean_cloud.home.subnet)
    builder = script.take("launch", BASE)
    data = script.take("attach", builder["instance"], builder["zone"])["data"]
    log_in(builder["address"], key, write_command(data, "javascript"))
    image = script.take("bake", builder["instance"])["image"]
    again = script.take("launch", image)
    read = log_in(again["address"], key, read_command(again["data"]))
    assert read.split() == ["javascript", "javascript"]
    removed = script.take("remove", image, builder["instance"], again["instance"])
    assert removed == {"snapshots": ["success", "success"]}


def test_a_refusal_is_an_error_named_by_its_code(script: Script, clean_cloud: Cloud) -> None:
    assert clean_cloud.running() == []
    reported = script.take("refused", "ami-00000000000000000")
    assert reported == {"name": "InvalidAMIID.NotFound", "status": 400}
