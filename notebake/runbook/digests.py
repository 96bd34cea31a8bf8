"""What each step is asked for, as a digest: the name by which its product is known as current.

A step's digest covers its part of the recipe and the steps on which it depends, so that a mended
recipe makes exactly what changed, and what depends on it, anew.
"""

from notebake.digest import digest_of
from notebake.recipe import Recipe

DEPENDS_ON: dict[str, tuple[str, ...]] = {
    "launch_instance": (),
    "mount_volumes": ("launch_instance",),
    "install_packages": ("launch_instance",),
    "install_software": ("install_packages",),
    "install_papermill": ("install_software",),
    "fetch_datasets": ("mount_volumes",),
    # With git-lfs among the packages a clone is another one.
    "clone_repository": ("mount_volumes", "install_packages"),
    "start_jupyter": ("install_software", "clone_repository"),
    "run_notebook": ("install_papermill", "fetch_datasets", "clone_repository"),
    "check_server": ("start_jupyter",),
    "clean_host": ("run_notebook", "check_server"),
    "request_image": ("clean_host",),
    "restart_host": ("request_image",),
    "launch_acceptance": ("request_image",),
    "prove_image": ("launch_acceptance",),
}

JUDGED_LATER = {"compare": "numbers", "tolerance": 0.0}
"""What decides over outputs that are kept: changed, they are judged anew, and nothing is run."""


def asked_for(recipe: Recipe, step: str) -> str:
    """Return the digest of what a step is asked for; 16 hexadecimal digits."""
    before = [asked_for(recipe, other) for other in DEPENDS_ON[step]]
    return digest_of(step, part_of(recipe, step), before)


def part_of(recipe: Recipe, step: str) -> list[object]:
    """Return the part of the recipe that a step itself uses."""
    parts: dict[str, list[object]] = {
        "launch_instance": [
            recipe.region, recipe.base_image, recipe.encryption, recipe.network.vpc_id,
            list(recipe.network.subnet_ids), recipe.network.address, recipe.root_volume,
            list(recipe.volumes),
        ],
        "mount_volumes": [list(recipe.volumes), recipe.instance_store],
        "install_packages": [list(recipe.software.apt)],
        "install_software": [recipe.software.model_copy(update={"apt": ()})],
        "fetch_datasets": [list(recipe.datasets)],
        "clone_repository": [recipe.repository],
        "start_jupyter": [recipe.jupyter_port],
        "run_notebook": [recipe.notebook.model_copy(update=JUDGED_LATER)],
        # What is allowed decides what the search lets pass; why, it does not.
        "clean_host": [[one.path, one.rule] for one in recipe.credentials.allow],
        "launch_acceptance": [list(recipe.acceptance.instance_types)],
    }  # fmt: skip
    return parts.get(step, [])
