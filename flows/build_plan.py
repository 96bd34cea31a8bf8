"""The order of the build, once: each step, and what must be done before it begins."""

from collections.abc import Mapping

from notebake.runbook.progress import Titles
from notebake.runbook.step import Step
from tasks import (
    check_server,
    clean_host,
    clone_repository,
    fetch_datasets,
    import_key_pair,
    install_packages,
    install_papermill,
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

Plan = Mapping[Step, tuple[Step, ...]]
"""Steps, each with those that it follows, in the order in which people see them."""

BUILD: Plan = {
    preflight.STEP: (),
    import_key_pair.STEP: (preflight.STEP,),
    open_ssh.STEP: (preflight.STEP,),
    launch_instance.STEP: (import_key_pair.STEP, open_ssh.STEP),
    wait_for_host.STEP: (launch_instance.STEP,),
    mount_volumes.STEP: (wait_for_host.STEP,),
    install_packages.STEP: (wait_for_host.STEP,),
    fetch_datasets.STEP: (mount_volumes.STEP, install_packages.STEP),
    clone_repository.STEP: (mount_volumes.STEP, install_packages.STEP),
    install_software.STEP: (install_packages.STEP,),
    install_papermill.STEP: (install_software.STEP,),
    start_jupyter.STEP: (clone_repository.STEP, install_software.STEP),
    check_server.STEP: (start_jupyter.STEP,),
    run_notebook.STEP: (fetch_datasets.STEP, clone_repository.STEP, install_papermill.STEP),
    clean_host.STEP: (check_server.STEP, run_notebook.STEP),
    stop_builder.STEP: (clean_host.STEP,),
    request_image.STEP: (stop_builder.STEP,),
    restart_host.STEP: (request_image.STEP,),
    wait_for_image.STEP: (request_image.STEP,),
    launch_acceptance.STEP: (wait_for_image.STEP,),
    prove_image.STEP: (launch_acceptance.STEP,),
    publish_image.STEP: (restart_host.STEP, prove_image.STEP),
}

TEAR_DOWN = ("tear_down", "Remove what was temporary")
"""Not one of the build's steps, but shown and timed like one."""


def titles(plan: Plan = BUILD) -> Titles:
    """Return names and titles, for showing progress."""
    return [(step.name, step.title) for step in plan]


def undoing(plan: Plan = BUILD) -> list[Step]:
    """Return the steps that have something to undo, the newest first."""
    return [step for step in reversed(list(plan)) if step.undo]
