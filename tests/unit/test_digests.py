import json
from pathlib import Path
from typing import Any

import pytest

from notebake.recipe import (
    Acceptance,
    Award,
    BaseImage,
    Dataset,
    Efs,
    EfsClient,
    Encryption,
    EncryptionMode,
    InstanceStore,
    Network,
    Notebook,
    Prune,
    Rebake,
    Recipe,
    Repository,
    RootVolume,
    Software,
    Volume,
)
from notebake.recipe.credentials import AllowedCredential, Credentials
from notebake.runbook.plan import PLAN, step_digest

RECIPE = Recipe(name="ocean")
STEPS_WITH_DIGEST = tuple(name for name, planned in PLAN.items() if planned.uses)
EVERYTHING = set(STEPS_WITH_DIGEST)
AFTER_WORK = {
    "clean_host",
    "request_image",
    "restart_host",
    "launch_acceptance",
    "prove_image",
}
INSTALLED = {"install_packages", "install_software", "install_papermill"}
SERVER = {"start_jupyter", "check_server"}
CHANGES: dict[str, tuple[Any, set[str]]] = {
    "region": ("eu-central-1", EVERYTHING),
    "base_image": (BaseImage(image_id="ami-0123456789abcdef0"), EVERYTHING),
    # A machine of a type that the recipe no longer names is replaced; its image stays good.
    "instance_types": (("t3.large",), set()),
    "encryption": (Encryption(mode=EncryptionMode.DEFAULT), EVERYTHING),
    "root_volume": (RootVolume(size_gib=20), EVERYTHING),
    "volumes": ((Volume(name="data", mount_point="/data"),), EVERYTHING),
    "network": (Network(address="private"), EVERYTHING),
    "instance_store": (InstanceStore(), EVERYTHING - {"launch_instance", *INSTALLED}),
    "efs": (
        (Efs(file_system_id="fs-01234567", mount_point="/shared"),),
        EVERYTHING - {"launch_instance"},
    ),
    # Without a file system the client is not installed.
    "efs_client": (EfsClient(version="3.3.0-1"), set()),
    "software": (
        Software(packages=("xarray",)),
        {"install_software", "install_papermill", *SERVER, "run_notebook", *AFTER_WORK},
    ),
    "datasets": (
        (Dataset(name="sst", source="https://example.org/sst.nc", path="/data/sst.nc"),),
        {"fetch_datasets", "run_notebook", *AFTER_WORK},
    ),
    "repository": (
        Repository(url="https://example.org/ocean.git"),
        {"clone_repository", *SERVER, "run_notebook", *AFTER_WORK},
    ),
    "credentials": (
        Credentials(allow=(AllowedCredential(path="/a", rule="jwt", reason="an example"),)),
        AFTER_WORK,
    ),
    "jupyter_port": (9999, {*SERVER, *AFTER_WORK}),
    "notebook": (Notebook(minimum_cells=7), {"run_notebook", *AFTER_WORK}),
    "acceptance": (
        Acceptance(instance_types=("t3.large",)),
        {"launch_acceptance", "prove_image"},
    ),
    "name": ("sea", set()),
    "description": ("what it is for", set()),
    "tags": ({"Owner": "ada"}, set()),
    "award": ((Award(number="OCE-1", purpose="teaching"),), set()),
    "share_with": (("123456789012",), set()),
    "lease_hours": (1.0, set()),
    "scheduler_role": ("arn:aws:iam::123456789012:role/notebake-scheduler", set()),
    "on_failure": ("tear_down", set()),
    # The policy rebuilds nothing; the date that a rebake sets does.
    "rebake": (Rebake(max_age_days=30), set()),
    "prune": (Prune(keep=1), set()),
    "approve": (("bake",), set()),
    "approval_days": (30, set()),
}


@pytest.mark.parametrize("field", CHANGES)
def test_a_changed_field_changes_the_digests_of_dependent_steps_only(field: str) -> None:
    value, expected = CHANGES[field]
    updated = RECIPE.model_copy(update={field: value})

    changed = {
        step
        for step in STEPS_WITH_DIGEST
        if step_digest(updated, step) != step_digest(RECIPE, step)
    }

    assert changed == expected


def test_every_recipe_field_has_a_digest_case() -> None:
    assert set(CHANGES) == set(Recipe.model_fields)


def test_changing_ssh_sources_does_not_relaunch_the_machine() -> None:
    updated = RECIPE.model_copy(update={"network": Network(ssh_from=("0.0.0.0/0",))})

    assert all(
        step_digest(updated, step) == step_digest(RECIPE, step) for step in STEPS_WITH_DIGEST
    )


def test_only_the_date_of_a_rebake_changes_what_is_installed() -> None:
    policy = RECIPE.model_copy(update={"rebake": Rebake()})
    dated = RECIPE.model_copy(update={"rebake": Rebake(until="2026-11-23T00:00:00Z")})

    changed = {
        step for step in STEPS_WITH_DIGEST if step_digest(dated, step) != step_digest(policy, step)
    }

    assert changed == CHANGES["software"][1]
    exempt = Rebake(until="2026-11-23T00:00:00Z", cooldown_except=("Wave_Tools",))
    assert step_digest(
        RECIPE.model_copy(update={"rebake": exempt}), "install_software"
    ) != step_digest(dated, "install_software")


def test_the_beginning_of_a_rebake_installs_the_packages_again() -> None:
    began = RECIPE.model_copy(update={"rebake": Rebake(began="2026-11-23T00:00:00Z")})

    changed = {
        step for step in STEPS_WITH_DIGEST if step_digest(began, step) != step_digest(RECIPE, step)
    }

    assert changed == EVERYTHING - {"launch_instance", "mount_volumes", "fetch_datasets"}


def test_another_client_of_efs_is_installed_and_no_volume_mounted_again() -> None:
    efs = (Efs(file_system_id="fs-01234567", mount_point="/shared"),)
    before = RECIPE.model_copy(update={"efs": efs})
    after = before.model_copy(update={"efs_client": EfsClient(version="3.3.0-1")})

    changed = {
        step for step in STEPS_WITH_DIGEST if step_digest(after, step) != step_digest(before, step)
    }

    assert changed == EVERYTHING - {"launch_instance", "mount_volumes", "fetch_datasets"}


def test_no_two_steps_share_a_digest() -> None:
    assert len({step_digest(RECIPE, step) for step in STEPS_WITH_DIGEST}) == len(STEPS_WITH_DIGEST)


WHOLE: dict[str, Any] = {
    "name": "whole",
    "region": "eu-west-1",
    "base_image": {"image_id": "ami-0123456789abcdef0"},
    "encryption": {"mode": "kms", "kms_key_id": "alias/own"},
    "network": {"vpc_id": "vpc-1234567a", "subnet_ids": ["subnet-1234567a"], "address": "private"},
    "volumes": [{"name": "data", "size_gib": 20, "mount_point": "/data"}],
    "instance_store": {},
    "software": {"apt": ["git-lfs"], "packages": ["numpy==2.1.0"]},
    "repository": {"url": "https://example.org/a/b.git", "ref": "v1"},
    "notebook": {
        **{"path": "a.ipynb", "parameters": {"n": 3}},
        **{"compare": "nothing", "tolerance": 1e-6},
    },
    "datasets": [{"name": "sst", "source": "https://example.org/sst.nc", "path": "/data/sst.nc"}],
    "jupyter_port": 9000,
    "acceptance": {"instance_types": ["m6i.large"]},
    "credentials": {
        "allow": [{"path": "/data/x", "rule": "aws-access-token", "reason": "an example"}]
    },
}


@pytest.mark.parametrize(
    ("name", "recipe"), [("plain", Recipe(name="plain")), ("whole", Recipe(**WHOLE))]
)
def test_digests_equal_those_already_on_hosts_and_images(name: str, recipe: Recipe) -> None:
    kept = json.loads((Path(__file__).parent / "kept_digests.json").read_text())[name]

    assert {step: step_digest(recipe, step) for step in STEPS_WITH_DIGEST} == kept
