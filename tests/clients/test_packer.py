"""Packer bakes in the sandbox as on EC2."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.clients.bakes import failing, left, relaunched, remove_image
from tests.clients.programs import Program, find_or_skip
from tests.sandbox.bake_world import Cloud

TEMPLATE = Path(__file__).parent / "packer/bake.pkr.hcl"

pytestmark = pytest.mark.sandbox


@pytest.fixture(scope="module", autouse=True)
def path() -> str:
    return find_or_skip("Packer", "packer", "version")


@pytest.fixture
def packer(path: str, settings: dict[str, str], tmp_path: Path) -> Program:
    shutil.copy(TEMPLATE, tmp_path)
    quiet = {"AWS_POLL_DELAY_SECONDS": "1", "CHECKPOINT_DISABLE": "1"}
    return Program(path, tmp_path, settings | quiet)


def bake(packer: Program, cloud: Cloud) -> tuple[int, str]:
    """Run the template and return the exit code and what was printed."""
    endpoint = f"endpoint={cloud.home.api_url}"
    code, printed, errors = packer.try_to_run(
        "build", "-color=false", "-var", endpoint, TEMPLATE.name
    )
    return code, printed + errors


def test_packer_bakes_an_image_that_holds_what_it_wrote(
    packer: Program, clean_cloud: Cloud, tmp_path: Path
) -> None:
    code, printed = bake(packer, clean_cloud)
    assert code == 0, printed
    image = only_image(clean_cloud)
    document = json.loads((tmp_path / "manifest.json").read_text())["builds"][0]["artifact_id"]
    assert document == f"us-west-2:{image['ImageId']}"
    assert {tag["Key"] for tag in image["Tags"]} == {"Name", "Base"}
    kinds = {resource.partition(":")[0] for resource in left(clean_cloud)}
    assert kinds == {"images", "snapshots"}, "Packer removes all else that it made"

    assert bake(packer, clean_cloud)[0] != 0, "the name is taken"
    assert only_image(clean_cloud)["ImageId"] == image["ImageId"]

    with relaunched(clean_cloud, image["ImageId"], tmp_path) as read:
        assert read.split() == ["packer", "packer"]
    remove_image(clean_cloud, image["ImageId"])


def test_packer_leaves_nothing_after_a_failure_of_the_cloud(
    packer: Program, clean_cloud: Cloud
) -> None:
    with failing(clean_cloud, action="CreateImage", effect="refuse", code="ResourceLimitExceeded"):
        code, printed = bake(packer, clean_cloud)
    assert code != 0
    assert "ResourceLimitExceeded" in printed


def only_image(cloud: Cloud) -> dict[str, Any]:
    (image,) = cloud.ec2().describe_images(Owners=["self"])["Images"]
    return dict(image)
