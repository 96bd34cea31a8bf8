"""The order of the build, once. Steps of one group do not depend on each other."""

from notebake.progress import Groups
from notebake.step import Step
from tasks import (
    check_server,
    clean_host,
    clone_repository,
    fetch_datasets,
    import_key_pair,
    install_software,
    launch_acceptance,
    launch_instance,
    mount_volumes,
    open_ssh,
    preflight,
    prove_image,
    publish_image,
    request_image,
    restart_host,
    run_notebook,
    start_jupyter,
    stop_builder,
    wait_for_host,
    wait_for_image,
)

BUILD: tuple[tuple[Step, ...], ...] = (
    (preflight.STEP,),
    (import_key_pair.STEP, open_ssh.STEP),
    (launch_instance.STEP,),
    (wait_for_host.STEP,),
    (mount_volumes.STEP, install_software.STEP),
    (fetch_datasets.STEP, clone_repository.STEP),
    (start_jupyter.STEP, run_notebook.STEP),
    (check_server.STEP,),
    (restart_host.STEP,),
    (clean_host.STEP,),
    (stop_builder.STEP,),
    (request_image.STEP,),
    (wait_for_image.STEP,),
    (launch_acceptance.STEP,),
    (prove_image.STEP,),
    (publish_image.STEP,),
)


TEAR_DOWN = ("tear_down", "Remove what was temporary")
"""Not one of the build's steps, but shown and timed like one."""


def titles(groups: tuple[tuple[Step, ...], ...] = BUILD) -> Groups:
    """Return names and titles, for showing progress."""
    return [[(step.name, step.title) for step in group] for group in groups]


def undoing(groups: tuple[tuple[Step, ...], ...] = BUILD) -> list[Step]:
    """Return the steps that have something to undo, the newest first."""
    return [step for group in reversed(groups) for step in reversed(group) if step.undo]
