"""The inspection of one machine from a new image."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import NoReturn

from notebake.acceptance.evidence import MachineEvidence
from notebake.aws import instances, tags
from notebake.aws.model import Instance
from notebake.commands.acceptance import ask_machine, parse_inspection
from notebake.commands.efs import efs_client_is_installed, efs_lines_are_written
from notebake.errors import (
    ImageNotAcceptedError,
    LoginRefusedError,
    ResourceLostError,
    WaitTimeoutError,
    resume,
)
from notebake.jupyter.checks import check_jupyter
from notebake.machines.boot import NO_LOGIN, wait_for_boot
from notebake.machines.builder import as_host
from notebake.machines.identity import wait_for_host_key
from notebake.notebook.execute import execute_notebook
from notebake.notebook.kept_results import check_results, find_earlier_verdict, record_machine
from notebake.runs.run import Run
from notebake.runs.tag_repair import tag_resource
from notebake.ssh import connection
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.timeouts import FIRST_BOOT_SECONDS, LAZY_LOAD_SECONDS


def inspect_machine(run: Run, machine: Instance) -> MachineEvidence:
    """Return what one machine from the image shows to a user with the second key.

    Raises:
        ResourceLostError: it was stopped, or accepted no ssh login; the next launch replaces it.
    """
    machine, host = _reach(run, machine)
    points = [volume.mount_point for volume in run.recipe.volumes if volume.is_in_image]
    efs = run.recipe.efs
    # Without a role it cannot be mounted, so nothing opens the folders.
    has_efs = efs_lines_are_written(efs), efs_client_is_installed(run.recipe.efs_client)
    question = ask_machine(user=host.user, mount_points=points, more=has_efs if efs else ())
    name = evidence_name(machine)
    with ThreadPoolExecutor(1) as pool:
        refusal = pool.submit(
            copy_context().run, check_build_key_is_refused, run, machine, host.host_key
        )
        shown = parse_inspection(ssh.run_command(host, question))
        refusal.result()
        server = pool.submit(copy_context().run, check_jupyter, host, run.recipe.jupyter_port)
        verdict = find_earlier_verdict(run, machine.id, name) or execute_notebook(
            run, host, name, spare_seconds=LAZY_LOAD_SECONDS
        )
        version = server.result()
    record_machine(run, machine.id, name)
    return MachineEvidence(
        instance_id=machine.id,
        instance_type=machine.instance_type,
        host_key=host.host_key,
        compared=check_results(run, machine.id, name),
        machine_id=shown.machine_id,
        jupyter_version=version,
        verdict=verdict,
        login_methods=shown.login_methods,
    )


def _reach(run: Run, machine: Instance) -> tuple[Instance, Host]:
    """Return the running machine, and as a host whose boot is over."""
    if machine.state in {"stopping", "stopped"}:
        mark_machine_lost(run, machine, f"is {machine.state}")
    try:
        machine = instances.wait_for_state(machine.id, run.recipe.region, "running")
        host_key = wait_for_host_key(machine.id, run.recipe.region)
        host = as_host(run, machine, key_name="acceptance", host_key=host_key)
        wait_for_boot(host, timeout_seconds=FIRST_BOOT_SECONDS)
    except WaitTimeoutError as error:
        mark_machine_lost(run, machine, NO_LOGIN, error)
    return machine, host


def evidence_name(machine: Instance) -> str:
    """Return the name under which the results of a machine are stored."""
    return f"acceptance-{machine.tags.get(tags.NUMBER, machine.id)}"


def mark_machine_lost(
    run: Run, machine: Instance, why: str, error: WaitTimeoutError | None = None
) -> NoReturn:
    """Mark a machine as lost, so that the next launch replaces it."""
    tag_resource(run, machine.id, {tags.LOST: why})
    reason = f" {error.message}" if error else ""
    raise ResourceLostError(
        f"{machine.id}, launched from {machine.image_id}, {why}.{reason}",
    ).with_next(resume(run.id, purpose="To launch another machine")) from error


def check_build_key_is_refused(run: Run, machine: Instance, host_key: str) -> None:
    """Raise ImageNotAcceptedError if the machine accepts the key of the build."""
    with_build_key = as_host(run, machine, key_name="builder", host_key=host_key)
    try:
        ssh.try_command(with_build_key, "true")
    except LoginRefusedError:
        return
    connection.disconnect(with_build_key)
    raise ImageNotAcceptedError(
        f"{machine.id} accepts the key of the build: it is still in the image."
    )
