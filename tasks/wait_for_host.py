"""Waits until the builder is ready for work: running, reachable, its first boot over.

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
from notebake.machines.boot import NO_LOGIN, wait_for_boot
from notebake.machines.builder import builder_as_host, require_builder
from notebake.machines.fitness import check_fitness, wait_for_package_lock
from notebake.machines.host_step import find_finished
from notebake.machines.renewal import renew
from notebake.notebook.html import preload_renderer
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Done, Step
from notebake.runs import idempotency
from notebake.runs.run import Run
from notebake.runs.tag_repair import tag_resource
from notebake.ssh import remote as ssh
from notebake.ssh import tunnel
from notebake.ssh.host import Host
from notebake.timeouts import BOOT_SECONDS

log = logging.getLogger(__name__)
SEAL_TAGS = (tags.SEALED, tags.BAKED)
"""Tags of a builder that was cleaned; they are cleared if it is worked on again."""


def find(run: Run) -> Done | None:
    """Return the result if the builder is ready or finished, or its image exists."""
    instance = stack_instances.find_builder(run)
    digest = step_digest(run.recipe, "launch_instance")
    if (done := find_finished(run, instance, digest)) or instance is None:
        return done
    if instance.state != "running" or may_lack_login(instance):
        return None
    host = builder_as_host(run, instance)
    try:
        ready = ssh.is_reachable(host) and ssh.succeeds(host, host_is_ready())
    except LoginRefusedError:
        return None
    return Done(digest=digest, detail=host.address) if ready else None


def make(run: Run) -> Done:
    """Start the builder if needed, wait until it is ready, and clear its seal.

    A builder whose login may be removed is stopped and started: at the start cloud-init restores
    the login, as on a new machine.

    Raises:
        ResourceLostError: the machine is gone, or accepted no ssh login; the next launch
            replaces it.
        TunnelForbiddenError: its sshd forbids a tunnel to the port of JupyterLab.
    """
    preload_renderer()
    instance = require_builder(run)
    try:
        host = bring_up(run, instance)
    except WaitTimeoutError as error:
        if was_reached(run, instance):
            raise
        mark_lost(run, instance, error)
    # JupyterLab needs an ssh tunnel, so a host that forbids tunnels fails here, before the work.
    tunnel.check_tunnel(host, run.recipe.jupyter_port)
    if any(instance.tags.get(tag) for tag in SEAL_TAGS):
        tag_resource(run, instance.id, dict.fromkeys(SEAL_TAGS, ""))
    check_fitness(run, host)
    ssh.run_command(host, prepare_for_work(), timeout_seconds=BOOT_SECONDS)
    wait_for_package_lock(host)
    idempotency.remember(run, f"reached-{instance.id}", {"at": host.address})
    renew(run)
    return Done(digest=step_digest(run.recipe, "launch_instance"), detail=host.address)


def host_is_ready() -> str:
    """Succeed if the first boot is over, the dead-man switch is armed and no cleaning is running.

    If the switch is not armed, `make` finds out why.
    """
    cleaning = f"if {work_is_running(work_name())}; then exit 1; fi"
    return f"{cleaning}\n{lease_is_armed()} > /dev/null || exit 1\n{wait_for_cloud_init()}"


def prepare_for_work() -> str:
    """Stop a cleaning that a killed run has left; the next steps restore what it has removed.

    Also prevent that upgrades by the system disturb the work.
    """
    return f"{stop_work(work_name())} && {as_root(mask_package_jobs(), exempt_our_services())}"


def bring_up(run: Run, instance: Instance) -> Host:
    """Return the builder as a host after its boot; start or restart it if needed."""
    region = run.recipe.region
    if instance.state == "running" and may_lack_login(instance):
        log.info("%s was sealed and may accept no login: restarting it", instance.id)
        instances.stop_instance(instance.id, region)
        instance = instances.wait_for_state(instance.id, region, "stopped")
    if instance.state in {"stopping", "stopped"}:
        start(instance, region)
    host = builder_as_host(run, instances.wait_for_state(instance.id, region, "running"))
    wait_for_boot(host)
    return host


def was_reached(run: Run, instance: Instance) -> bool:
    """Return whether the machine was reached before; then it is never replaced automatically."""
    return idempotency.recall(run, f"reached-{instance.id}") is not None


def mark_lost(run: Run, instance: Instance, error: WaitTimeoutError) -> NoReturn:
    """Mark a machine that was never reached as lost, so that the next launch replaces it."""
    tag_resource(run, instance.id, {tags.LOST: NO_LOGIN})
    raise ResourceLostError(
        f"{instance.id} {NO_LOGIN}. {error.message}",
        "If this happens to every machine, check whether this computer can reach port 22 there;"
        " see network.ssh_from.",
    ).with_next(resume(run.id)) from error


def may_lack_login(instance: Instance) -> bool:
    """Return whether the login may be removed: sealing has started, or is of an older recipe."""
    return bool(instance.tags.get(tags.SEALED))


def start(instance: Instance, region: str) -> None:
    """Start an instance as soon as it is stopped."""
    instances.wait_for_state(instance.id, region, "stopped")
    instances.start_instance(instance.id, region)


STEP = Step("wait_for_host", "Wait for the builder", find, make)
