"""The steps of a build: what each follows, and by which parts of the recipe its product is known.

The order and the digests both come from here. A step of this name is a file of `tasks/`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from notebake.recipe import Recipe

Uses = Callable[[Recipe], list[Any]]


@dataclass(frozen=True)
class PlannedStep:
    """What a step follows, and what its product depends on.

    A step whose product is kept on the host or in the cloud names the parts of the recipe that it
    `uses`, if need be none. Such a step is made anew when they change, or when a step that it
    `follows` is; what it is only `later_than` leaves its product as it is.
    """

    follows: tuple[str, ...] = ()
    uses: Uses | None = None
    later_than: tuple[str, ...] = ()


def nothing(_: Recipe) -> list[Any]:
    """Use no part of the recipe: only what a step follows decides over its product."""
    return []


def _launch(recipe: Recipe) -> list[Any]:
    network = recipe.network
    return [
        *(recipe.region, recipe.base_image, recipe.encryption, network.vpc_id),
        *(list(network.subnet_ids), network.address, recipe.root_volume, list(recipe.volumes)),
    ]


def _notebook(recipe: Recipe) -> list[Any]:
    """Leave out what decides over outputs that are kept: they are judged anew, and not run."""
    return [recipe.notebook.model_copy(update={"compare": "numbers", "tolerance": 0.0})]


def _allowed_findings(recipe: Recipe) -> list[Any]:
    """Leave out the reasons: they decide nothing."""
    return [[allowed.path, allowed.rule] for allowed in recipe.credentials.allow]


PLAN: Mapping[str, PlannedStep] = {
    "preflight": PlannedStep(),
    "import_key_pair": PlannedStep(("preflight",)),
    "open_ssh": PlannedStep(("preflight",)),
    "launch_instance": PlannedStep(("import_key_pair", "open_ssh"), _launch),
    "wait_for_host": PlannedStep(("launch_instance",)),
    "mount_volumes": PlannedStep(
        ("wait_for_host",), lambda recipe: [list(recipe.volumes), recipe.instance_store]
    ),
    "install_packages": PlannedStep(("wait_for_host",), lambda recipe: [list(recipe.software.apt)]),
    "fetch_datasets": PlannedStep(
        ("mount_volumes",),
        lambda recipe: [list(recipe.datasets)],
        later_than=("install_packages",),
    ),
    # With git-lfs among the packages a clone is another clone.
    "clone_repository": PlannedStep(
        ("mount_volumes", "install_packages"), lambda recipe: [recipe.repository]
    ),
    "install_software": PlannedStep(
        ("install_packages",), lambda recipe: [recipe.software.model_copy(update={"apt": ()})]
    ),
    "install_papermill": PlannedStep(("install_software",), nothing),
    "start_jupyter": PlannedStep(
        ("install_software", "clone_repository"), lambda recipe: [recipe.jupyter_port]
    ),
    "check_server": PlannedStep(("start_jupyter",), nothing),
    "run_notebook": PlannedStep(
        ("install_papermill", "fetch_datasets", "clone_repository"), _notebook
    ),
    "clean_host": PlannedStep(("run_notebook", "check_server"), _allowed_findings),
    "stop_builder": PlannedStep(("clean_host",)),
    "request_image": PlannedStep(("stop_builder",), nothing),
    "restart_host": PlannedStep(("request_image",), nothing),
    "wait_for_image": PlannedStep(("request_image",)),
    "launch_acceptance": PlannedStep(
        ("wait_for_image",), lambda recipe: [list(recipe.acceptance.instance_types)]
    ),
    "prove_image": PlannedStep(("launch_acceptance",), nothing),
    "publish_image": PlannedStep(("restart_host", "prove_image")),
}
"""The steps in the order in which people see them."""
