"""Mounts the data volumes, found by volume id and never by device name.

Needs   the reachable builder
Gives   Done: every volume is mounted, by UUID in fstab; the instance store by a systemd unit;
        file systems on EFS are in fstab, and not mounted: the builder has no role
Costs   nothing of its own
"""

from notebake.aws import volumes as aws_volumes
from notebake.commands.efs import efs_lines_are_written, write_efs_lines
from notebake.commands.instance_store import install_instance_store
from notebake.commands.volumes import prepare_volume, volumes_are_mounted
from notebake.machines.builder import builder_host
from notebake.machines.host_step import find_on_host, make_on_host
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host

NAME = "mount_volumes"


def find(run: Run) -> Done | None:
    """Return the result if the right volumes are mounted at the mount points of the recipe."""
    return find_on_host(run, NAME, probe)


def probe(run: Run, host: Host) -> str | None:
    """Return the mount points, or None if a volume is not mounted, or EFS not in fstab."""
    efs = run.recipe.efs
    if efs and not ssh.succeeds(host, efs_lines_are_written(efs)):
        return None
    for_servers = [f"EFS for servers: {', '.join(each.mount_point for each in efs)}"] if efs else []
    if not run.recipe.volumes:
        return "; ".join(("no volumes", *for_servers))
    ids = volume_ids(run, host)
    pairs = [(volume, ids[volume.name]) for volume in run.recipe.volumes]
    if not ssh.succeeds(host, volumes_are_mounted(pairs)):
        return None
    points = ", ".join(volume.mount_point for volume in run.recipe.volumes)
    return "; ".join((points, *for_servers))


def make(run: Run) -> Done:
    """Create file systems on new volumes only, and mount all volumes."""
    host = builder_host(run)
    devices = aws_volumes.device_names(run.recipe)
    for volume in run.recipe.volumes:
        if volume.volume_id:
            aws_volumes.attach_volume(
                volume.volume_id, host.instance_id, devices[volume.name], run.recipe.region
            )
    ids = volume_ids(run, host)
    # Parents first, as a mount point may be below another one.
    scripts = [
        prepare_volume(volume=volume, volume_id=ids[volume.name], user=host.user)
        for volume in sorted(run.recipe.start_volumes, key=lambda each: each.mount_point)
    ]
    if run.recipe.instance_store:
        scripts.append(install_instance_store(run.recipe.instance_store, host.user))
    scripts.append(write_efs_lines(run.recipe.efs))
    return make_on_host(run, NAME, scripts, probe=probe)


def volume_ids(run: Run, host: Host) -> dict[str, str]:
    """Return the volume id of each of the recipe's volumes on the builder."""
    devices = aws_volumes.device_names(run.recipe)
    return aws_volumes.volume_ids_by_name(run.recipe, host.instance_id, devices)


STEP = Step(NAME, "Mount the volumes", find, make)
