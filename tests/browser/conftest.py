"""A sandbox, and a Prefect server with a worker as `make up` starts them, in a home of its own."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.browser.person import Person, sitting_at, why_not
from tests.own_prefect import OwnPrefect, own_prefect
from tests.sandbox.bake_world import Cloud, cloud_opened


@dataclass(frozen=True)
class Desk:
    """Where a person starts builds: the cloud, a folder for recipes, and the UI's address."""

    cloud: Cloud
    folder: Path
    prefect: OwnPrefect
    url: str

    def write_recipe(self, name: str, **parts: object) -> str:
        """Write a recipe with small disks and nothing but JupyterLab, changed by these parts."""
        whole = {
            "name": name,
            "root_volume": {"size_gib": 8},
            "software": {"manager": "pip"},
            "tags": {"Project": "fleet"},
            "lease_hours": 1,
            **parts,
        }
        path = self.folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(whole, sort_keys=False))
        return str(path)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    if reason := why_not():
        pytest.skip(reason)
    folder = tmp_path_factory.mktemp("desk")
    with (
        cloud_opened(folder / "sandbox") as cloud,
        own_prefect(folder / "home") as prefect,
    ):
        yield Desk(cloud, folder, prefect, prefect.start(cloud.environment))


@pytest.fixture(scope="session")
def person(desk: Desk) -> Iterator[Person]:
    with sitting_at(desk.url) as someone:
        yield someone
