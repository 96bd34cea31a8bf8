"""Stop and start, as a person would before making an image: what does not come back is found now.

Needs   all work on the host done
Gives   Done: after a start, the volumes and JupyterLab were back by themselves
Costs   nothing of its own
"""

from notebake import host as ssh
from notebake.aws import instances
from notebake.builder import as_host, builder_host, find_on_host, mark_on_host
from notebake.commands.boot import are_mount_points, boot_id, first_boot_status
from notebake.commands.jupyter import jupyter_is_running
from notebake.errors import HostUnreachableError
from notebake.patience import BOOT_SECONDS
from notebake.records import Done, Host, Run
from notebake.step import Step
from notebake.waiting import wait_until

NAME = "restart_host"


def find_restarted(run: Run) -> Done | None:
    """Return that the machine has been restarted since all was installed, and came back whole."""
    return find_on_host(run, NAME)


def restart_host(run: Run) -> Done:
    """Stop and start the builder, and look for what should have come back."""
    region = run.recipe.region
    before = builder_host(run)
    old_boot = ssh.run_command(before, boot_id())
    ssh.disconnect(before)
    instances.stop_instance(before.instance_id, region)
    instances.wait_for_state(before.instance_id, region, "stopped")
    instances.start_instance(before.instance_id, region)
    instance = instances.wait_for_state(before.instance_id, region, "running")
    host = as_host(run, instance, key_name="builder", host_key=before.host_key)
    wait_until(
        lambda: ssh.is_reachable(host) or None,
        what=f"ssh on {host.address} after the restart",
        timeout_seconds=BOOT_SECONDS,
        interval_seconds=0.25,
    )
    if ssh.run_command(host, boot_id()) == old_boot:
        raise HostUnreachableError(f"{host.instance_id} was stopped and started, but not booted.")
    ssh.run_command(host, first_boot_status(), timeout_seconds=BOOT_SECONDS)
    check_all_is_back(run, host)
    return mark_on_host(run, host, NAME, f"volumes and JupyterLab are back on {host.address}")


def check_all_is_back(run: Run, host: Host) -> None:
    """Raise unless the volumes and JupyterLab are there without our help."""
    ssh.run_command(host, are_mount_points([one.mount_point for one in run.recipe.volumes]))
    running = jupyter_is_running(run.recipe.jupyter_port)
    wait_until(
        lambda: ssh.succeeds(host, running) or None,
        what="JupyterLab to come back by itself",
        timeout_seconds=120,
        interval_seconds=0.5,
    )


STEP = Step(NAME, "Restart the builder", find_restarted, restart_host)
