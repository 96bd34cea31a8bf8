"""A check for updates compares the recipe with the one of which the image was made."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from notebake.errors import RunStoreError
from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.recipe import NO_NEW_IMAGE, check_recipe
from notebake.recipe import Recipe
from notebake.recipe.file import load_recipe
from notebake.runs import registry
from notebake.runs.open_store import open_store
from tests.recorded_runs import RUN
from tests.update_images import current_image, place_of

OCEAN = """
name: ocean
region: us-west-2
instance_types: [m5.large, t3.large]
volumes:
  - {name: data, mount_point: /data, size_gib: 1}
  - {name: more, mount_point: /more, size_gib: 2}
software:
  apt: [git-lfs, jq]
  packages: [xarray, numpy]
  requirements: |
    # for the figures
    cartopy==0.25   # pinned

    cmocean
datasets:
  - {name: profiles, source: "https://example.org/profiles.nc", path: /data/profiles.nc}
repository: {url: "https://example.org/ocean.git", ref: main}
notebook: {path: figures.ipynb, parameters: {depth_m: 100}}
tags: {Project: ocean}
"""


def check(directory: Path, text: str, before: str = OCEAN) -> CauseFinding:
    """Compare a recipe with that of an image in a store."""
    made_of = read(directory / "before.yaml", before)
    store = open_store(place_of(directory))
    registry.new_run(made_of, "ocean.yaml", store, run_id=RUN)
    found = current_image(made_of, store.location)
    return check_recipe(found, read(directory / "ocean.yaml", text))


def read(path: Path, text: str) -> Recipe:
    path.write_text(text)
    return load_recipe(path)


CHANGED: dict[str, tuple[str, str, set[tuple[str, str | None, str | None]]]] = {
    "a package more": (
        "[xarray, numpy]",
        "[xarray, numpy, dask]",
        {("software.packages", None, "dask")},
    ),
    "a package less": ("[xarray, numpy]", "[xarray]", {("software.packages", "numpy", None)}),
    "a pinned package": (
        "[xarray, numpy]",
        '["xarray<2026", numpy]',
        {("software.packages", "xarray", None), ("software.packages", None, "xarray<2026")},
    ),
    "a package in front": ("[xarray", "[dask, xarray", {("software.packages", None, "dask")}),
    "packages in another order": (
        "[xarray, numpy]",
        "[numpy, xarray]",
        {("software.packages", "xarray, numpy", "numpy, xarray")},
    ),
    "a distribution's package": ("[git-lfs, jq]", "[git-lfs]", {("software.apt", "jq", None)}),
    "a line of the requirements": (
        "cartopy==0.25",
        "cartopy==0.26",
        {
            ("software.requirements", "cartopy==0.25", None),
            ("software.requirements", None, "cartopy==0.26"),
        },
    ),
    "more time to install": (
        "software:",
        "software:\n  timeout_seconds: 600",
        {("software.timeout_seconds", "3600", "600")},
    ),
    "a larger volume": ("size_gib: 1}", "size_gib: 3}", {("volumes.data.size_gib", "1", "3")}),
    "another file system": (
        "size_gib: 2}",
        "size_gib: 2, file_system: xfs}",
        {("volumes.more.file_system", "ext4", "xfs")},
    ),
    "a larger root": (
        "tags:",
        "root_volume: {size_gib: 20}\ntags:",
        {("root_volume.size_gib", "16", "20")},
    ),
    "an encrypted disk": (
        "tags:",
        "encryption: {mode: default}\ntags:",
        {("encryption.mode", "none", "default")},
    ),
    "another base image": (
        "tags:",
        "base_image: {image_id: ami-0123456789abcdef0}\ntags:",
        {("base_image.image_id", None, "ami-0123456789abcdef0")},
    ),
    "another source": (
        "org/profiles.nc",
        "org/v2/profiles.nc",
        {
            (
                "datasets.profiles.source",
                "https://example.org/profiles.nc",
                "https://example.org/v2/profiles.nc",
            )
        },
    ),
    "another place of the data": (
        "path: /data/profiles.nc",
        "path: /data/p.nc",
        {("datasets.profiles.path", "/data/profiles.nc", "/data/p.nc")},
    ),
    "another ref": ("ref: main", "ref: v2", {("repository.ref", "main", "v2")}),
    "no submodules": (
        "ref: main",
        "ref: main, submodules: false",
        {("repository.submodules", "true", "false")},
    ),
    "another notebook": (
        "figures.ipynb",
        "maps.ipynb",
        {("notebook.path", "figures.ipynb", "maps.ipynb")},
    ),
    "a parameter": (
        "depth_m: 100",
        "depth_m: 200",
        {("notebook.parameters.depth_m", "100", "200")},
    ),
    "a parameter more": (
        "depth_m: 100",
        "depth_m: 100, year: 2026",
        {("notebook.parameters.year", None, "2026")},
    ),
    "a stricter proof": (
        "figures.ipynb,",
        "figures.ipynb, minimum_figures: 2,",
        {("notebook.minimum_figures", "1", "2")},
    ),
    "another port": ("tags:", "jupyter_port: 9000\ntags:", {("jupyter_port", "8887", "9000")}),
    "an allowed finding": (
        "tags:",
        'credentials: {allow: [{path: /srv/x, rule: aws-access-token, reason: "a sample"}]}\ntags:',
        {
            ("credentials.allow.0.path", None, "/srv/x"),
            ("credentials.allow.0.rule", None, "aws-access-token"),
            ("credentials.allow.0.reason", None, "a sample"),
        },
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_a_field_of_the_image_is_named_with_both_values(name: str, tmp_path: Path) -> None:
    old, new, expected = CHANGED[name]
    assert OCEAN.count(old) == 1

    found = check(tmp_path, OCEAN.replace(old, new))

    assert found.state == "changed"
    assert {(each.name, each.old, each.new) for each in found.changes} == expected
    assert NO_NEW_IMAGE not in {each.detail for each in found.changes}
    assert RUN in found.how


NOTICED: dict[str, tuple[str, str, str]] = {
    "a tag": ("Project: ocean", "Project: tides", "tags.Project"),
    "a description": ("region:", "description: Ocean\nregion:", "description"),
    "other instance types": ("m5.large, t3.large", "m5.large", "instance_types"),
    "a longer lease": ("tags:", "lease_hours: 8\ntags:", "lease_hours"),
    "whom it is shared with": ("tags:", 'share_with: ["210987654321"]\ntags:', "share_with"),
    "what happens after a failure": ("tags:", "on_failure: tear_down\ntags:", "on_failure"),
    "what the proof compares": (
        "figures.ipynb,",
        "figures.ipynb, tolerance: 0.1,",
        "notebook.tolerance",
    ),
    "the machines of the proof": (
        "tags:",
        "acceptance: {instance_types: [t3.large]}\ntags:",
        "acceptance.instance_types",
    ),
    "an award": ("tags:", "award: {number: OCE-1, purpose: maps}\ntags:", "award.OCE-1.number"),
}


@pytest.mark.parametrize("name", NOTICED)
def test_a_field_that_is_not_in_the_image_is_named_and_changes_nothing(
    name: str, tmp_path: Path
) -> None:
    old, new, field = NOTICED[name]

    found = check(tmp_path, OCEAN.replace(old, new))

    assert found.state == "unchanged"
    assert field in {each.name for each in found.changes}
    assert {each.detail for each in found.changes} == {NO_NEW_IMAGE}


def reordered(value: Any) -> Any:
    """Return the same with all fields the other way round."""
    if isinstance(value, dict):
        return {key: reordered(each) for key, each in reversed(value.items())}
    return [reordered(each) for each in value] if isinstance(value, list) else value


SAME = {
    "the same text": OCEAN,
    "other comments": OCEAN.replace("name: ocean", "# mine\nname: ocean  # the name"),
    "fields the other way round": yaml.safe_dump(reordered(yaml.safe_load(OCEAN)), sort_keys=False),
    "another way to write lists": yaml.safe_dump(yaml.safe_load(OCEAN), default_flow_style=False),
    "defaults written out": OCEAN.replace("tags:", "jupyter_port: 8887\non_failure: keep\ntags:"),
    "comments in the requirements": OCEAN.replace("# for the figures", "# for maps"),
    "blank lines in the requirements": OCEAN.replace("    cmocean", "\n\n    cmocean   "),
}


@pytest.mark.parametrize("name", SAME)
def test_another_way_to_write_the_same_is_unchanged(name: str, tmp_path: Path) -> None:
    found = check(tmp_path, SAME[name])

    assert (found.state, found.changes, found.reason) == ("unchanged", (), "")


def test_a_home_in_a_path_is_no_change(tmp_path: Path) -> None:
    at_home = OCEAN.replace("path: /data/profiles.nc", "path: /home/ubuntu/profiles.nc")

    assert check(tmp_path, at_home, before=at_home).state == "unchanged"


def test_a_run_whose_recipe_is_gone_is_not_checked(tmp_path: Path) -> None:
    recipe = read(tmp_path / "ocean.yaml", OCEAN)

    with pytest.raises(RunStoreError, match=f"The recipe of run {RUN} is not in"):
        check_recipe(current_image(recipe, place_of(tmp_path)), recipe)
