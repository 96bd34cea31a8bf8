"""No field of a recipe is silently ignored: each has an effect or is refused."""

import datetime
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from docs.recipe_table import recipe_table
from notebake.acceptance.allowed_findings import format_allowed
from notebake.aws import tags
from notebake.aws.permissions import declared
from notebake.commands.repository import clone_repository
from notebake.errors import RecipeError
from notebake.images.prune.decision import decide as decide_images
from notebake.images.prune.facts import ImageFacts, RecipeFacts, RegionFacts
from notebake.images.prune.marks import Mark
from notebake.images.rebake.decision import decide
from notebake.images.updates.cooldown_date import with_date
from notebake.images.updates.finding import CauseFinding
from notebake.images.updates.update_check import UpdateCheck
from notebake.machines.block_devices import disks_of_builder
from notebake.notebook.papermill_script import notebook_script
from notebake.notebook.recipe_notebook import base_directory, effective_notebook, working_directory
from notebake.preflight.award import check_awards
from notebake.recipe import Recipe
from notebake.recipe.file import parse_recipe
from notebake.runbook.plan import step_digest
from notebake.runs.run import Run
from tests.update_images import current_image

ROOT = Path(__file__).parents[2]
FOLDERS = ("flows", "notebake", "tasks")
REPOSITORY = "repository: {url: 'https://h/ocean'}"
NOTEBOOK = f"{REPOSITORY}\nnotebook: {{path: a.ipynb"
EFS = "efs: [{file_system_id: fs-01234567, mount_point: /e"
VOLUME = "volumes: [{name: d, mount_point: /d, iops: 4000"
EXISTING = "volumes: [{name: d, mount_point: /d, volume_id: vol-01234567"
DATASET = "datasets: [{name: a, source: 'https://h/f', path: /f"
ALLOWED = "credentials: {allow: [{path: /a, rule: jwt, reason: an example"
AWARDS = (
    "award: [{number: A-1, purpose: teaching, share: 40}, {number: A-2, purpose: b, share: 60}]"
)
PREVIOUS = (
    "volumes: [{name: d, mount_point: /d}]\nrebake: {previous: {image_id: ami-01234567,"
    " run_id: x-2, generation: 1, first_base: ami-00000000, snapshots: {}}}"
)
CONDA = "software: {manager: conda"

Effect = Callable[[Recipe], object]


def run_of(recipe: Recipe) -> Run:
    return Run(id="x-20261128-120000-0000", recipe=recipe, store="/store")


def digest_of(step: str) -> Effect:
    """What a step is asked for; what it hands to the step's own commands is tested with these."""
    return lambda recipe: step_digest(recipe, step)


def notebook(recipe: Recipe) -> object:
    """All that runs and judges the notebook."""
    wanted, home = effective_notebook(recipe), base_directory(recipe)
    ran = notebook_script(
        notebook_path=f"{home}/{wanted.path}",
        output_path="/out.ipynb",
        working_directory=working_directory(wanted, home),
        parameters=wanted.parameters,
        kernel=wanted.kernel,
        timeout_seconds=wanted.timeout_seconds,
    )
    judged = (wanted.minimum_cells, wanted.minimum_figures, wanted.verdict, wanted.compare)
    return ran, *judged, wanted.tolerance


def cloned(recipe: Recipe) -> object:
    repository, path = recipe.repository, recipe.repository_path
    assert repository
    assert path
    return clone_repository(repository=repository, path=path, user=recipe.base_image.user)


def disks(recipe: Recipe) -> object:
    return disks_of_builder(recipe, "/dev/sda1")


def tagged(recipe: Recipe) -> object:
    return {**tags.tags_for(run_of(recipe), "builder"), tags.EXPIRES: ""}


def findings(recipe: Recipe) -> object:
    return list(check_awards(run_of(recipe)))


def permissions_needed(recipe: Recipe) -> object:
    return [permission.name for permission in declared() if permission.is_needed(run_of(recipe))]


def decided(recipe: Recipe) -> object:
    """Whether to bake again an image of 20 days whose tools have changed, after two failures."""
    change = CauseFinding(cause="tools", state="changed")
    day = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    found = UpdateCheck(
        recipe="x",
        region=recipe.region,
        checked=day,
        image_id="ami-1",
        accepted=day - datetime.timedelta(days=20),
        findings=(change,),
    )
    return decide(found, recipe.rebake, day, 2).outcome


def pruned(recipe: Recipe) -> object:
    """What becomes of images of some ages, in all stages, of which none is used."""
    day = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
    facts = RecipeFacts(is_given=True, policy=recipe.prune)
    images = []
    for days in range(20, 90, 7):
        ago = day - datetime.timedelta(days=days)
        usual = {"recipe": "x", "run_id": "r", "made_at": ago, "uses": (), "recipients": ()}
        late = {"made_at": day - datetime.timedelta(days=200), "mark": Mark(recipe="x", since=ago)}
        disabled = Mark(recipe="x", since=ago, disabled_at=ago)
        for name, changes in {
            "unused": {},
            "launched": late | {"last_launched": ago},
            "deprecated": late | {"deprecated_from": ago},
            "disabled": late | {"state": "disabled", "mark": disabled},
        }.items():
            usual_state = {"image_id": f"{name}-{days}", "state": "available"}
            images.append(ImageFacts.model_validate(usual | usual_state | changes))
    return [
        (each.image_id, each.action)
        for each in decide_images(
            RegionFacts("us-west-2", day, tuple(images), {"x": facts}, named={}, bases={})
        )
    ]


def first_base(recipe: Recipe) -> object:
    """With which base image a row of images began, as a later check has it."""
    return current_image(recipe).first_base


def dated(recipe: Recipe) -> object:
    """The recipe of a rebake."""
    return with_date(recipe, None, datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC))


def read_as(attribute: str) -> Effect:
    """A field whose effect lies in a call: it must be read outside the recipe itself."""
    pattern = re.compile(rf"(?:recipe|network|policy|previous|row)\.{attribute}\b")
    paths = [path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")]
    outside = [path for path in paths if path.parent.name != "recipe"]
    found = any(pattern.search(path.read_text()) for path in outside)
    assert found, f"nobody reads {attribute}"
    return lambda recipe: recipe.model_dump(mode="json")


FIELDS: dict[str, tuple[str, str, Effect]] = {
    "name": ("", "", tagged),
    "description": ("", "description: y", read_as("description")),
    "region": ("", "region: eu-west-1", digest_of("launch_instance")),
    "base_image.ssm_parameter": (
        "",
        "base_image: {ssm_parameter: /a}",
        digest_of("launch_instance"),
    ),
    "base_image.image_id": (
        "",
        "base_image: {image_id: ami-01234567}",
        digest_of("launch_instance"),
    ),
    "base_image.user": ("", "base_image: {user: admin}", digest_of("launch_instance")),
    "instance_types": ("", "instance_types: [m5.large]", read_as("instance_types")),
    "network.vpc_id": ("", "network: {vpc_id: vpc-01234567}", digest_of("launch_instance")),
    "network.subnet_ids": (
        "",
        "network: {subnet_ids: [subnet-01234567]}",
        digest_of("launch_instance"),
    ),
    "network.address": ("", "network: {address: private}", digest_of("launch_instance")),
    "network.ssh_from": ("", "network: {ssh_from: [192.0.2.0/24]}", read_as("ssh_from")),
    "encryption.mode": ("", "encryption: {mode: default}", disks),
    "encryption.kms_key_id": (
        "encryption: {mode: kms, kms_key_id: alias/a}",
        "encryption: {mode: kms, kms_key_id: alias/b}",
        disks,
    ),
    "share_with": ("", "share_with: ['123456789012']", permissions_needed),
    "root_volume.size_gib": ("", "root_volume: {size_gib: 20}", disks),
    "root_volume.iops": ("", "root_volume: {iops: 4000}", disks),
    "root_volume.throughput_mib_per_second": (
        "",
        "root_volume: {throughput_mib_per_second: 200}",
        disks,
    ),
    "volumes[].size_gib": (f"{VOLUME}}}]", f"{VOLUME}, size_gib: 20}}]", disks),
    "volumes[].iops": (f"{VOLUME}}}]", "volumes: [{name: d, mount_point: /d}]", disks),
    "volumes[].throughput_mib_per_second": (
        f"{VOLUME}}}]",
        f"{VOLUME}, throughput_mib_per_second: 200}}]",
        disks,
    ),
    "volumes[].name": (
        f"{VOLUME}}}]",
        f"{VOLUME}}}]".replace("name: d", "name: e"),
        digest_of("mount_volumes"),
    ),
    "volumes[].mount_point": (
        f"{VOLUME}}}]",
        f"{VOLUME}}}]".replace("/d", "/e"),
        digest_of("mount_volumes"),
    ),
    "volumes[].file_system": (
        f"{VOLUME}}}]",
        f"{VOLUME}, file_system: xfs}}]",
        digest_of("mount_volumes"),
    ),
    "volumes[].snapshot_id": (f"{VOLUME}}}]", f"{VOLUME}, snapshot_id: snap-01234567}}]", disks),
    "volumes[].volume_id": ("volumes: [{name: d, mount_point: /d}]", f"{EXISTING}}}]", disks),
    "volumes[].in_image": (f"{VOLUME}}}]", f"{VOLUME}, in_image: false}}]", notebook),
    "instance_store.mount_point": (
        "instance_store: {}",
        "instance_store: {mount_point: /s}",
        digest_of("mount_volumes"),
    ),
    "instance_store.file_system": (
        "instance_store: {}",
        "instance_store: {file_system: ext4}",
        digest_of("mount_volumes"),
    ),
    "efs[].file_system_id": (
        f"{EFS}}}]",
        f"{EFS.replace('fs-0', 'fs-1')}}}]",
        digest_of("mount_volumes"),
    ),
    "efs[].mount_point": (f"{EFS}}}]", f"{EFS}2}}]", digest_of("mount_volumes")),
    "efs[].access_point_id": (
        f"{EFS}}}]",
        f"{EFS}, access_point_id: fsap-0123456789abcdef0}}]",
        digest_of("mount_volumes"),
    ),
    "efs_client.version": (
        f"{EFS}}}]",
        f"{EFS}}}]\nefs_client: {{version: 3.3.0-1}}",
        digest_of("install_packages"),
    ),
    "efs_client.sha256": (
        f"{EFS}}}]",
        f"{EFS}}}]\nefs_client: {{sha256: {'0' * 64}}}",
        digest_of("install_packages"),
    ),
    "software.apt": ("", "software: {apt: [git-lfs]}", digest_of("install_packages")),
    "software.manager": ("", f"{CONDA}}}", digest_of("install_software")),
    "software.python": (f"{CONDA}}}", f"{CONDA}, python: 3.12}}", digest_of("install_software")),
    "software.packages": ("", "software: {packages: [numpy]}", digest_of("install_software")),
    "software.pip": (f"{CONDA}}}", f"{CONDA}, pip: [utm]}}", digest_of("install_software")),
    "software.requirements_file": (
        "",
        "software: {requirements_file: requirements.txt}",
        digest_of("install_software"),
    ),
    "software.requirements": ("", "software: {requirements: numpy}", digest_of("install_software")),
    "software.timeout_seconds": (
        "",
        "software: {timeout_seconds: 99}",
        read_as("software"),
    ),
    "datasets[].name": (
        f"{DATASET}}}]",
        f"{DATASET}}}]".replace("name: a", "name: b"),
        digest_of("fetch_datasets"),
    ),
    "datasets[].source": (
        f"{DATASET}}}]",
        f"{DATASET}}}]".replace("h/f", "h/g"),
        digest_of("fetch_datasets"),
    ),
    "datasets[].path": (
        f"{DATASET}}}]",
        f"{DATASET}}}]".replace("/f}", "/g}"),
        digest_of("fetch_datasets"),
    ),
    "datasets[].sha256": (
        f"{DATASET}}}]",
        f"{DATASET}, sha256: {'0' * 64}}}]",
        digest_of("fetch_datasets"),
    ),
    "repository.url": (REPOSITORY, REPOSITORY.replace("/h/", "/i/"), digest_of("clone_repository")),
    "repository.ref": (
        REPOSITORY,
        REPOSITORY.replace("}", ", ref: main}"),
        digest_of("clone_repository"),
    ),
    "repository.path": (
        REPOSITORY,
        REPOSITORY.replace("}", ", path: /o}"),
        lambda recipe: recipe.repository_path,
    ),
    "repository.submodules": (
        REPOSITORY,
        REPOSITORY.replace("}", ", submodules: false}"),
        cloned,
    ),
    "notebook.path": (REPOSITORY, f"{NOTEBOOK}}}", notebook),
    "notebook.working_directory": (
        f"{NOTEBOOK}}}",
        f"{NOTEBOOK}, working_directory: b}}",
        notebook,
    ),
    "notebook.parameters": (f"{NOTEBOOK}}}", f"{NOTEBOOK}, parameters: {{a: 1}}}}", notebook),
    "notebook.kernel": ("", "notebook: {kernel: own}", notebook),
    "notebook.timeout_seconds": ("", "notebook: {timeout_seconds: 99}", notebook),
    "notebook.minimum_cells": ("", "notebook: {minimum_cells: 5}", notebook),
    "notebook.minimum_figures": ("", "notebook: {minimum_figures: 0}", notebook),
    "notebook.verdict": (f"{NOTEBOOK}}}", f"{NOTEBOOK}, verdict: well}}", notebook),
    "notebook.compare": ("", "notebook: {compare: nothing}", notebook),
    "notebook.tolerance": ("", "notebook: {tolerance: 0.01}", notebook),
    "credentials.allow[].path": (
        f"{ALLOWED}}}]}}",
        f"{ALLOWED}}}]}}".replace("/a", "/b"),
        digest_of("clean_host"),
    ),
    "credentials.allow[].rule": (
        f"{ALLOWED}}}]}}",
        f"{ALLOWED}}}]}}".replace("jwt", "private-key"),
        digest_of("clean_host"),
    ),
    "credentials.allow[].reason": (
        f"{ALLOWED}}}]}}",
        f"{ALLOWED} of a manual}}]}}",
        lambda recipe: format_allowed([{"path": "/a", "rule": "jwt", "count": 1}], recipe),
    ),
    "jupyter_port": ("", "jupyter_port: 9999", digest_of("start_jupyter")),
    "tags": ("", "tags: {Project: ocean}", tagged),
    "award[].number": (AWARDS, AWARDS.replace("A-1", "A-3"), findings),
    "award[].purpose": (AWARDS, AWARDS.replace("teaching", "research"), findings),
    "award[].share": (AWARDS, AWARDS.replace("40", "30").replace("60", "70"), findings),
    "lease_hours": ("", "lease_hours: 9", read_as("lease_hours")),
    "scheduler_role": ("", "scheduler_role: arn:aws:iam::123456789012:role/x", permissions_needed),
    "on_failure": ("", "on_failure: tear_down", read_as("on_failure")),
    "rebake.on": ("rebake: {on: [data]}", "rebake: {on: [tools]}", decided),
    "rebake.max_age_days": ("rebake: {}", "rebake: {max_age_days: 9}", decided),
    "rebake.cooldown_days": ("rebake: {}", "rebake: {cooldown_days: 0}", dated),
    "rebake.cooldown_except": (
        "rebake: {until: '2026-11-23T00:00:00Z'}",
        "rebake: {until: '2026-11-23T00:00:00Z', cooldown_except: [tide]}",
        digest_of("install_software"),
    ),
    "rebake.failures": ("rebake: {}", "rebake: {failures: 2}", decided),
    "rebake.generations": ("rebake: {}", "rebake: {generations: 3}", read_as("generations")),
    "rebake.previous.image_id": (
        PREVIOUS,
        PREVIOUS.replace("ami-01234567", "ami-89abcdef"),
        digest_of("launch_instance"),
    ),
    "rebake.previous.snapshots": (PREVIOUS, PREVIOUS.replace("{}", "{d: snap-01234567}"), disks),
    "rebake.previous.run_id": (PREVIOUS, PREVIOUS.replace("x-2", "x-3"), read_as("run_id")),
    "rebake.previous.generation": (
        PREVIOUS,
        PREVIOUS.replace("generation: 1", "generation: 2"),
        read_as("generation"),
    ),
    "rebake.previous.first_base": (
        PREVIOUS,
        PREVIOUS.replace("ami-00000000", "ami-ffffffff"),
        first_base,
    ),
    "rebake.began": (
        "rebake: {}",
        "rebake: {began: '2026-11-23T00:00:00Z'}",
        digest_of("install_packages"),
    ),
    "rebake.until": (
        "rebake: {}",
        "rebake: {until: '2026-11-23T00:00:00Z'}",
        digest_of("install_software"),
    ),
    "prune.keep": ("prune: {}", "prune: {keep: 9}", pruned),
    "prune.younger_than_days": ("prune: {}", "prune: {younger_than_days: 60}", pruned),
    "prune.launched_within_days": ("prune: {}", "prune: {launched_within_days: 30}", pruned),
    "prune.disable_after_days": ("prune: {}", "prune: {disable_after_days: 60}", pruned),
    "prune.remove_after_days": ("prune: {}", "prune: {remove_after_days: 60}", pruned),
    "approve": ("", "approve: [bake, share, delete]", read_as("approve")),
    "approval_days": ("", "approval_days: 30", read_as("approval_days")),
    "acceptance.instance_types": (
        "",
        "acceptance: {instance_types: [m5.large]}",
        digest_of("launch_acceptance"),
    ),
}
IGNORED_ALONE = {
    "notebook.verdict": "notebook: {verdict: well}",
    "notebook.parameters": f"{REPOSITORY}\nnotebook: {{parameters: {{a: 1}}}}",
    "notebook.working_directory": f"{REPOSITORY}\nnotebook: {{working_directory: b}}",
    "software.python": "software: {python: 3.12}",
    "software.pip": "software: {pip: [utm]}",
    "software.requirements": "software: {requirements: ' '}",
    "encryption.kms_key_id": "encryption: {kms_key_id: alias/a}",
    "base_image.image_id": "base_image: {ssm_parameter: /a, image_id: ami-01234567}",
    "volumes[0].size_gib": f"{EXISTING}, size_gib: 20}}]",
    "volumes[0].iops": f"{EXISTING}, iops: 4000}}]",
    "volumes[0].throughput_mib_per_second": f"{EXISTING}, throughput_mib_per_second: 200}}]",
    "volumes[0].volume_id": f"{EXISTING}, snapshot_id: snap-01234567}}]",
}


def read(text: str, folder: Path, name: str = "x") -> Recipe:
    (folder / "requirements.txt").write_text("numpy\n")
    return parse_recipe(f"name: {name}\n{text}\n", "r", folder)


def leaves() -> set[str]:
    """Return the fields that hold no other fields."""
    fields = [row.split("`")[1] for row in recipe_table().splitlines() if row.startswith("| `")]
    return {
        field
        for field in fields
        if not any(other.startswith((f"{field}.", f"{field}[")) for other in fields)
    }


def test_every_field_is_in_the_table() -> None:
    assert leaves() == set(FIELDS)


@pytest.mark.parametrize(
    ("field", "before", "after", "effect"), [(field, *row) for field, row in FIELDS.items()]
)
def test_each_field_changes_a_request_or_command(
    field: str, before: str, after: str, effect: Effect, tmp_path: Path
) -> None:
    name = "y" if field == "name" else "x"

    was, now = read(before, tmp_path), read(after, tmp_path, name)

    assert effect(was) != effect(now)


@pytest.mark.parametrize(("field", "text"), IGNORED_ALONE.items(), ids=IGNORED_ALONE.keys())
def test_a_field_that_would_be_ignored_is_refused(field: str, text: str, tmp_path: Path) -> None:
    with pytest.raises(RecipeError) as caught:
        read(text, tmp_path)

    (fault,) = caught.value.message.splitlines()
    assert f" {field}: " in fault


def any_recipe(**parts: Any) -> Recipe:
    return Recipe.model_validate({"name": "x", **parts})


def test_a_recipe_built_in_code_is_validated_too() -> None:
    with pytest.raises(
        ValueError,
        match=r"notebook\.verdict: would be ignored",
    ):
        any_recipe(notebook={"verdict": "well"})
