"""A whole bake with conda: JupyterLab and its kernel are conda packages, made of their wheels.

The base image is a company's: its conda settings say where its channels are.
"""

import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from tests.conda_channel import conda, libraries, python, write_channel
from tests.conda_wheels import INTERPRETER, wheels_as_packages
from tests.limits import HANG_SECONDS
from tests.sandbox.bake_world import wait_for
from tests.sandbox.bakery import Bakery
from tests.sandbox.conftest import files_served

pytestmark = pytest.mark.sandbox
ENVIRONMENT = "channels: [defaults]\ndependencies: [libb]\n"
NOTEBOOK = """\
import os, liba, libb
print(liba.__version__, os.environ["LIBB_DATA"])
"""


@pytest.fixture(scope="module")
def address(bakery: Bakery, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a channel of real software to the machines."""
    folder = tmp_path_factory.mktemp("channel")
    packages = wheels_as_packages(folder / "wheels", "jupyterlab", "ipykernel", "pip")
    whole = [python(INTERPRETER), conda(), *libraries(), *packages]
    write_channel(folder / "served/conda-forge", whole)
    shutil.rmtree(folder / "wheels")
    with files_served(bakery.cloud.home.gateway, folder / "served") as url:
        yield url


@pytest.fixture(scope="module")
def base_image(bakery: Bakery, address: str) -> Iterator[str]:
    """Make a base image whose conda settings name the channel, with cloud-init's own means."""
    ec2 = bakery.cloud.ec2()
    settings = "/etc/conda/.condarc"
    script = f"#!/bin/sh\nmkdir /etc/conda\necho channel_alias: {address} > {settings}\n"
    found = ec2.describe_images(Owners=["099720109477"])["Images"]
    plain = next(image["ImageId"] for image in found if "amd64" in image["Name"])
    launched = ec2.run_instances(
        ImageId=plain, InstanceType="m6i.large", MinCount=1, MaxCount=1, UserData=script
    )["Instances"][0]["InstanceId"]
    places = bakery.cloud.home.machines_path
    wait_for(lambda: list(places.glob(f"*/upper{settings}")), "the settings of conda", HANG_SECONDS)
    image_id = ec2.create_image(InstanceId=launched, Name="company")["ImageId"]
    wait_for(lambda: state_of(ec2, image_id) == "available", "the base image", HANG_SECONDS)
    ec2.terminate_instances(InstanceIds=[launched])
    yield image_id
    ec2.deregister_image(ImageId=image_id)


def state_of(ec2: Any, image_id: str) -> str:
    return str(ec2.describe_images(ImageIds=[image_id])["Images"][0]["State"])


def test_an_image_of_conda_is_baked_and_proven(bakery: Bakery, base_image: str) -> None:
    notebook = cells(NOTEBOOK.strip().split("\n"))
    repository = bakery.cloud.serve("conda", {"one.ipynb": notebook}, bakery.folder / "conda")
    recipe = bakery.write_recipe(
        "conda",
        base_image={"image_id": base_image},
        software={"manager": "conda", "requirements": ENVIRONMENT},
        repository={"url": repository, "ref": "main"},
        notebook={
            "path": "one.ipynb", "minimum_cells": 2, "minimum_figures": 0,
            "verdict": "1.0 /opt/notebake/python/share/libb",
        },
    )  # fmt: skip

    done = bakery.notebake("build", str(recipe))

    assert done.exit_code == 0, done.printed
    run = bakery.run_of("conda")
    assert "defaults is replaced by conda-forge" in run.log()
    explicit = (run.path / "locks/conda-explicit.txt").read_text()
    assert "/conda-forge/noarch/libb-1.0-0.tar.bz2#sha256:" in explicit
    assert "/jupyterlab-" in explicit
    assert "  - libb=1.0=0\n" in (run.path / "locks/environment.yml").read_text()


def cells(sources: list[str]) -> str:
    """Return a notebook with these cells."""
    import nbformat.v4

    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in sources])
    made.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    return str(nbformat.writes(made))
