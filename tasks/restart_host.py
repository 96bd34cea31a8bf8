"""Restarts the builder, to find out whether volumes and JupyterLab come back by themselves.

That happens while EC2 creates the image of this machine: a snapshot contains what was on the disk
when it started, whatever is written later.
(https://docs.aws.amazon.com/ebs/latest/userguide/ebs-creating-snapshot.html)

Needs   the requested image
Gives   Done: after the restart, the volumes and JupyterLab came back by themselves
Costs   some more minutes of the builder, which is stopped again afterwards
"""

import logging

from notebake.aws import images, instances, tags
from notebake.aws.model import Image, Instance
from notebake.commands.boot import paths_are_mounted
from notebake.errors import ResourceLostError, resume
from notebake.images import run_image
from notebake.images.image_state import current_image, is_sealed, wait_for_visible_image
from notebake.jupyter.checks import wait_for_jupyter
from notebake.machines.boot import wait_for_boot
from notebake.machines.builder import builder_as_host
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.runs.tag_repair import tag_resource
from notebake.ssh import connection
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.timeouts import IMAGE_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
NAME = "restart_host"


def find(run: Run) -> Done | None:
    """Return the result if the builder came back completely after the stop for its image."""
    digest = step_digest(run.recipe, NAME)
    image = current_image(run)
    if image is None or image.tags.get(tags.RESTARTED) != digest:
        return None
    return Done(digest=digest, detail=f"the builder of {image.id} came back completely")


def make(run: Run) -> Done:
    """Start the builder once the snapshots of its disks have started, and check what came back.

    Raises:
        ResourceLostError: the builder is gone. Its image cannot be checked any more, so it is
            removed and made again.
        WaitTimeoutError: EC2 does not show the image.
    """
    region = run.recipe.region
    image = wait_for_visible_image(run)
    instance = stack_instances.find_builder(run)
    if instance is None:
        raise without_builder(run, image)
    if is_sealed(run, instance):
        wait_until(
            lambda: are_disks_in_snapshots(run, instance, image.id) or None,
            what=f"the snapshots of {image.id} to start",
            timeout_seconds=IMAGE_SECONDS,
            interval_seconds=0.25,
        )
        # From here on cloud-init may restore the login: the builder is not sealed any more.
        tag_resource(run, instance.id, {tags.SEALED: "", tags.BAKED: image.id})
    if instance.state in {"stopping", "stopped"}:
        instances.wait_for_state(instance.id, region, "stopped")
        # EC2 may refuse to start it while its image is pending.
        instances.start_instance(instance.id, region, ready_seconds=IMAGE_SECONDS)
    host = builder_as_host(run, instances.wait_for_state(instance.id, region, "running"))
    wait_for_boot(host)
    check_all_is_back(run, host)
    digest = step_digest(run.recipe, NAME)
    tag_resource(run, image.id, {tags.RESTARTED: digest})
    connection.disconnect(host)
    instances.stop_instance(instance.id, region)
    return Done(digest=digest, detail=f"volumes and JupyterLab came back on {host.address}")


def are_disks_in_snapshots(run: Run, builder: Instance, image_id: str) -> bool:
    """Return whether later changes on the builder cannot affect its image any more."""
    excluded = sum(not volume.is_in_image for volume in run.recipe.volumes)
    disks = len(builder.volume_ids) - excluded
    if run_image.count_started_snapshots(run, image_id) >= disks:
        return True
    image = current_image(run)
    return image is not None and image.state == "available"


def without_builder(run: Run, image: Image) -> ResourceLostError:
    """Remove the image; return the error that makes the builder and the image anew."""
    log.warning("The builder is gone before it was restarted: removing %s", image.id)
    images.remove_image(image, run.recipe.region)
    run_image.remove_orphan_snapshots(run)
    return ResourceLostError(f"The builder of run {run.id} is gone.").with_next(resume(run.id))


def check_all_is_back(run: Run, host: Host) -> None:
    """Raise an error unless the volumes are mounted and JupyterLab answers."""
    points = [volume.mount_point for volume in run.recipe.volumes]
    ssh.run_command(host, paths_are_mounted(points))
    wait_for_jupyter(host, run.recipe.jupyter_port)


def forget_restart(run: Run) -> None:
    """Forget the result, so that the builder is restarted again."""
    image = current_image(run)
    if image:
        tag_resource(run, image.id, {tags.RESTARTED: ""})


STEP = Step(NAME, "Restart the builder", find, make)
