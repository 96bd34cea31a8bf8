"""A machine that can be worked on: running, reachable, its first boot finished.

Needs   the builder
Gives   Done, with its address
Costs   nothing of its own
"""

import logging
from typing import NoReturn

from notebake.aws import instances, tags
from notebake.aws.model import Instance
from notebake.commands.apt import exempt_our_services
from notebake.commands.boot import wait_for_cloud_init
from notebake.commands.clean import work_name
from notebake.commands.detached import stop_work, work_is_running
from notebake.commands.lease_timer import lease_is_armed
from notebake.commands.shell import as_root
from notebake.commands.user_data import mask_package_jobs
from notebake.errors import LoginRefusedError, ResourceLostError, WaitTimeoutError, resume
from notebake.images.baked import current_image, is_finished
from notebake.machines.boot import wait_for_boot
from notebake.machines.builder import host_of
from notebake.machines.fitness import check_fitness, wait_for_package_lock
from notebake.machines.renewal import renew
from notebake.notebook.html import preload_renderer
from notebake.resources import own_machines
from notebake.runbook.digests import step_digest
from notebake.runbook.step import Done, Step
from notebake.runs import idempotency
from notebake.runs.run import Run
from notebake.runs.tag_repair import tag_resource
from notebake.ssh import port_forwarding
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.timeouts import BOOT_SECONDS

log = logging.getLogger(__name__)
OF_THE_SEAL = (tags.SEALED, tags.BAKED)
"""What stands on a builder from its cleaning on, and is not true of one that is worked on again."""


def find(run: Run) -> Done | None:
    """Return that the builder needs no waiting for: it answers, or is sealed, or is an image."""
    instance = own_machines.find_builder(run)
    digest = step_digest(run.recipe, "launch_instance")
    if instance is None:
        image = current_image(run)
        return Done(digest=digest, detail=f"in {image.id}") if image else None
    if is_finished(run, instance):
        return Done(digest=digest, detail=f"{instance.id} is finished")
    if instance.state != "running" or may_be_locked(instance):
        return None
    host = host_of(run, instance)
    try:
        ready = ssh.is_reachable(host) and ssh.succeeds(host, can_be_worked_on())
    except LoginRefusedError:
        return None
    return Done(digest=digest, detail=host.address) if ready else None


def make(run: Run) -> Done:
    """Bring the builder up, wait until it can be worked on, and take its seal off.

    A builder that was stopped is started. One that was sealed, or was being so, is stopped first:
    at the next start cloud-init puts the login back, as on a machine that it has never seen.

    Raises:
        ResourceLostError: the machine is gone, or accepted no ssh login; the next launch
            replaces it.
        TunnelForbiddenError: its sshd forbids a tunnel to the port of JupyterLab.
    """
    preload_renderer()
    instance = own_machines.find_builder(run)
    if instance is None:
        raise ResourceLostError(f"The builder of run {run.id} is gone.").with_next(resume(run.id))
    try:
        host = bring_up(run, instance)
    except WaitTimeoutError as error:
        if was_reached(run, instance):
            raise
        mark_lost(run, instance, error)
    # JupyterLab is reached through a tunnel only: what forbids it is told before anything is made.
    port_forwarding.check_tunnel(host, run.recipe.jupyter_port)
    if any(instance.tags.get(mark) for mark in OF_THE_SEAL):
        tag_resource(run, instance.id, dict.fromkeys(OF_THE_SEAL, ""))
    check_fitness(run, host)
    ssh.run_command(host, let_work_on_it(), timeout_seconds=BOOT_SECONDS)
    wait_for_package_lock(host)
    idempotency.remember(run, f"reached-{instance.id}", {"at": host.address})
    renew(run)
    return Done(digest=step_digest(run.recipe, "launch_instance"), detail=host.address)


def can_be_worked_on() -> str:
    """Succeed once the first boot is over, where the dead-man switch is armed and no cleaning runs.

    Without the switch the waiting finds out what bars it.
    """
    cleaning = f"if {work_is_running(work_name())}; then exit 1; fi"
    return f"{cleaning}\n{lease_is_armed()} > /dev/null || exit 1\n{wait_for_cloud_init()}"


def let_work_on_it() -> str:
    """End the cleaning that a run was killed in, as the next steps make anew what it removes.

    From now on an upgrade that the system begins by itself leaves our work alone.
    """
    return f"{stop_work(work_name())} && {as_root(mask_package_jobs(), exempt_our_services())}"


def bring_up(run: Run, instance: Instance) -> Host:
    """Return the builder as a host that has booted, started or restarted where it has to be."""
    region = run.recipe.region
    if instance.state == "running" and may_be_locked(instance):
        log.info("%s was sealed and may let nobody in: restarting it", instance.id)
        instances.stop_instance(instance.id, region)
        instance = instances.wait_for_state(instance.id, region, "stopped")
    if instance.state in {"stopping", "stopped"}:
        start(instance, region)
    host = host_of(run, instances.wait_for_state(instance.id, region, "running"))
    wait_for_boot(host)
    return host


def was_reached(run: Run, instance: Instance) -> bool:
    """Tell whether somebody has worked on the machine: then it is not replaced behind his back."""
    return idempotency.recall(run, f"reached-{instance.id}") is not None


def mark_lost(run: Run, instance: Instance, error: WaitTimeoutError) -> NoReturn:
    """Mark a machine that never let anybody in, so that the next launch replaces it."""
    tag_resource(run, instance.id, {tags.LOST: "never let anybody in"})
    raise ResourceLostError(
        f"{instance.id} never let anybody in. {error.message}",
        "If every machine does so: may this computer reach port 22 there? See network.ssh_from.",
    ).with_next(resume(run.id)) from error


def may_be_locked(instance: Instance) -> bool:
    """Tell whether the login may have been removed: the seal was begun, or is of an old recipe."""
    return bool(instance.tags.get(tags.SEALED))


def start(instance: Instance, region: str) -> None:
    """Start an instance once it has stopped."""
    instances.wait_for_state(instance.id, region, "stopped")
    instances.start_instance(instance.id, region)


STEP = Step("wait_for_host", "Wait for the builder", find, make)
