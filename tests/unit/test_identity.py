"""An image is refused if the identities of its machines cannot be compared."""

from pathlib import Path

import pytest

from notebake.acceptance.evidence import MachineEvidence
from notebake.acceptance.proof import check_identities
from notebake.errors import ImageNotAcceptedError
from notebake.machines import identity
from notebake.notebook.verdict import NotebookVerdict
from notebake.recipe.file import load_recipe
from notebake.runs import idempotency, registry
from notebake.runs.keys import generate_keys
from notebake.runs.open_store import open_store
from notebake.runs.run import Run

BUILDER, FIRST, SECOND = ("0" * 31 + "b", "0" * 31 + "1", "0" * 31 + "2")


@pytest.fixture
def run(tmp_path: Path) -> Run:
    recipe = load_recipe(Path(__file__).parents[2] / "deployments/rehearsal.yaml")
    return registry.new_run(recipe, "recipe.yaml", open_store(str(tmp_path / "runs")))


def shown(instance_id: str, machine_id: str, host_key: str = "") -> MachineEvidence:
    return MachineEvidence(
        instance_id=instance_id,
        instance_type="m5.large",
        host_key=host_key or generate_keys().public,
        machine_id=machine_id,
        jupyter_version="2",
        verdict=NotebookVerdict(cells=1, figures=1, seconds=1),
    )


def test_machines_with_distinct_identities_are_accepted(run: Run) -> None:
    identity.keep_builder_id(run, BUILDER)
    check_identities(run, [shown("i-1", FIRST), shown("i-2", SECOND)])


def test_without_the_builders_id_the_image_is_refused_and_nothing_is_written(run: Run) -> None:
    with pytest.raises(
        ImageNotAcceptedError, match=f"builder of run {run.id} is not in its run store"
    ):
        check_identities(run, [shown("i-1", FIRST), shown("i-2", SECOND)])
    assert idempotency.recall(run, identity.NAME) is None


@pytest.mark.parametrize("kept", [{}, {"machine_id": ""}, {"machine_id": "uninitialized"},
                                  {"machine_id": None}])  # fmt: skip
def test_a_builder_that_had_no_id_refuses_the_image(run: Run, kept: dict[str, str]) -> None:
    idempotency.remember(run, identity.NAME, kept)
    with pytest.raises(ImageNotAcceptedError):
        check_identities(run, [shown("i-1", FIRST), shown("i-2", SECOND)])


@pytest.mark.parametrize(
    "found",
    ["", "\n", "uninitialized\n", "None", FIRST[:-1], FIRST + "0", "0" * 32, f"{FIRST} {FIRST}",
     FIRST.replace("0", "G")],
)  # fmt: skip
def test_a_machine_without_a_machine_id_refuses_the_image(run: Run, found: str) -> None:
    identity.keep_builder_id(run, BUILDER)
    with pytest.raises(ImageNotAcceptedError, match="machine-id of i-2 could not be determined"):
        check_identities(run, [shown("i-1", FIRST), shown("i-2", found)])


@pytest.mark.parametrize(
    "found", [" ", "ssh-ed25519", "ssh-ed25519 AAAA", "ssh-rsa AAAAB3NzaC1yc2"]
)
def test_a_machine_without_a_host_key_refuses_the_image(run: Run, found: str) -> None:
    identity.keep_builder_id(run, BUILDER)
    with pytest.raises(ImageNotAcceptedError, match="host key of i-1 could not be determined"):
        check_identities(run, [shown("i-1", FIRST, found), shown("i-2", SECOND)])


def test_any_identity_shared_by_two_machines_refuses_the_image(run: Run) -> None:
    identity.keep_builder_id(run, BUILDER)
    key = generate_keys().public
    with pytest.raises(ImageNotAcceptedError, match="same machine-id: i-1 and i-2"):
        check_identities(run, [shown("i-1", FIRST), shown("i-2", FIRST)])
    with pytest.raises(ImageNotAcceptedError, match="same machine-id: the builder and i-2"):
        check_identities(run, [shown("i-1", FIRST), shown("i-2", BUILDER)])
    with pytest.raises(ImageNotAcceptedError, match="same ssh host key: i-1 and i-2"):
        check_identities(run, [shown("i-1", FIRST, key), shown("i-2", SECOND, f"{key} a comment")])


def test_a_builder_that_was_replaced_is_compared_as_well(run: Run) -> None:
    identity.keep_builder_id(run, BUILDER)
    identity.keep_builder_id(run, FIRST)
    identity.keep_builder_id(run, BUILDER)
    assert identity.read_builder_ids(run) == [BUILDER, FIRST]
    with pytest.raises(ImageNotAcceptedError, match="same machine-id: the builder and i-1"):
        check_identities(run, [shown("i-1", FIRST), shown("i-2", SECOND)])
