"""The steps of a build: their predecessors, the parts of the recipe that they use, their digests.

A product is up to date if it carries the digest of its step, which covers the step's part of the
recipe and the steps on which it depends. So a changed recipe repeats exactly the steps whose input
changed, and the steps that depend on them. Each step is the file of its name in `tasks/`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from notebake.commands.idle_units import PROGRAM_DIGEST
from notebake.recipe import Recipe
from notebake.record import digest_of

Uses = Callable[[Recipe], list[Any]]


@dataclass(frozen=True)
class PlannedStep:
    """A step's predecessors, and what its product depends on.

    A step whose product stays on the host or in the cloud names the parts of the recipe that it
    `uses`, possibly none. It is repeated if they change, or if a step that it `follows` is
    repeated; steps that it is only `later_than` do not affect its product.
    """

    follows: tuple[str, ...] = ()
    uses: Uses | None = None
    later_than: tuple[str, ...] = ()


def no_parts(_: Recipe) -> list[Any]:
    """Use no part of the recipe: only its predecessors determine a step's product."""
    return []


def _launch(recipe: Recipe) -> list[Any]:
    network = recipe.network
    return [
        *(recipe.region, recipe.start_image, recipe.encryption, network.vpc_id),
        *(
            list(network.subnet_ids),
            network.address,
            recipe.root_volume,
            list(recipe.start_volumes),
        ),
    ]


def _notebook(recipe: Recipe) -> list[Any]:
    """Leave out the fields that compare stored outputs: the notebook is not run again for them."""
    return [recipe.notebook.model_copy(update={"compare": "numbers", "tolerance": 0.0})]


def _mounts(recipe: Recipe) -> list[Any]:
    """Let EFS count where there is any."""
    efs = [list(recipe.efs)] if recipe.efs else []
    return [list(recipe.volumes), recipe.instance_store, *efs]


def _packages(recipe: Recipe) -> list[Any]:
    """Let a rebake's beginning count, which brings all packages up to date, and EFS's client."""
    began = recipe.rebake_began
    client = [recipe.efs_client] if recipe.efs else []
    return [list(recipe.software.apt), *([began] if began else []), *client]


def _software(recipe: Recipe) -> list[Any]:
    """Leave out the distribution's packages; a date counts only if a rebake has set one."""
    dates = (recipe.packages_until, list(recipe.packages_at_once))
    return [recipe.software.model_copy(update={"apt": ()}), *filter(None, dates)]


def _allowed_findings(recipe: Recipe) -> list[Any]:
    """Leave out the reasons: they have no effect."""
    return [[allowed.path, allowed.rule] for allowed in recipe.credentials.allow]


PLAN: Mapping[str, PlannedStep] = {
    "preflight": PlannedStep(),
    "import_key_pair": PlannedStep(("preflight",)),
    "open_ssh": PlannedStep(("preflight",)),
    "launch_instance": PlannedStep(("import_key_pair", "open_ssh"), _launch),
    "wait_for_host": PlannedStep(("launch_instance",)),
    "mount_volumes": PlannedStep(("wait_for_host",), _mounts),
    "install_packages": PlannedStep(("wait_for_host",), _packages),
    "fetch_datasets": PlannedStep(
        ("mount_volumes",),
        lambda recipe: [list(recipe.datasets)],
        later_than=("install_packages",),
    ),
    # With git-lfs among the packages, the clone has other content.
    "clone_repository": PlannedStep(
        ("mount_volumes", "install_packages"), lambda recipe: [recipe.repository]
    ),
    "install_software": PlannedStep(("install_packages",), _software),
    "install_papermill": PlannedStep(("install_software",), no_parts),
    "start_jupyter": PlannedStep(
        ("install_software", "clone_repository"),
        lambda recipe: [recipe.jupyter_port, PROGRAM_DIGEST],
    ),
    "check_server": PlannedStep(("start_jupyter",), no_parts),
    "run_notebook": PlannedStep(
        ("install_papermill", "fetch_datasets", "clone_repository"), _notebook
    ),
    # Beside the notebook: nothing waits for the copying but the request for the image.
    "snapshot_disks": PlannedStep(("install_papermill", "fetch_datasets", "clone_repository")),
    "clean_host": PlannedStep(
        ("run_notebook", "check_server"), _allowed_findings, later_than=("snapshot_disks",)
    ),
    "stop_builder": PlannedStep(("clean_host",)),
    "request_image": PlannedStep(("stop_builder",), no_parts),
    "restart_host": PlannedStep(("request_image",), no_parts),
    "wait_for_image": PlannedStep(("request_image",)),
    "launch_acceptance": PlannedStep(
        ("wait_for_image",), lambda recipe: [list(recipe.acceptance.instance_types)]
    ),
    "prove_image": PlannedStep(("launch_acceptance",), no_parts),
    "publish_image": PlannedStep(("restart_host", "prove_image")),
}
"""The steps in the order in which they are shown."""


def step_digest(recipe: Recipe, step: str) -> str:
    """Return the digest of a step's input: 16 hexadecimal digits."""
    uses = PLAN[step].uses or no_parts
    return digest_of(step, uses(recipe), [step_digest(recipe, other) for other in depends_on(step)])


def depends_on(step: str) -> list[str]:
    """Return the steps that determine a step's product: the nearest predecessors with digests."""
    found: list[str] = []
    for predecessor in PLAN[step].follows:
        found += [predecessor] if PLAN[predecessor].uses else depends_on(predecessor)
    return found
