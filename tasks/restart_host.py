"""The builder started again after its stop: what does not come back by itself is found now.

It is done while EC2 fills the image, with the very machine that the image is of: a snapshot holds
what was on the disk when it was begun, whatever is written later.
(https://docs.aws.amazon.com/ebs/latest/userguide/ebs-creating-snapshot.html)

Needs   the requested image
Gives   Done: after the stop and a start, the volumes and JupyterLab were back by themselves
Costs   the builder for some minutes more; it is stopped again afterwards
"""

import logging

from notebake.aws import images, instances, tags
from notebake.aws.model import Image, Instance
from notebake.commands.boot import paths_are_mounted
from notebake.errors import ResourceLostError, resume
from notebake.images import own_image
from notebake.images.baked import current_image, is_sealed, shown_image
from notebake.jupyter.checks import wait_for_jupyter
from notebake.machines.boot import wait_for_boot
from notebake.machines.builder import host_of
from notebake.resources import own_machines
from notebake.runbook.digests import step_digest
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
    """Return that the builder came back whole after the stop for its image."""
    digest = step_digest(run.recipe, NAME)
    image = current_image(run)
    if image is None or image.tags.get(tags.RESTARTED) != digest:
        return None
    return Done(digest=digest, detail=f"the builder of {image.id} came back whole")


def make(run: Run) -> Done:
    """Start the builder once its disks are in snapshots, and look for what should have come back.

    Raises:
        ResourceLostError: the builder is gone. Its image cannot be checked any more, so it is
            removed and made again.
        WaitTimeoutError: EC2 does not show the image.
    """
    region = run.recipe.region
    image = shown_image(run)
    instance = own_machines.find_builder(run)
    if instance is None:
        raise without_builder(run, image)
    if is_sealed(run, instance):
        wait_until(
            lambda: are_disks_in_snapshots(run, instance, image.id) or None,
            what=f"the snapshots of {image.id} to be begun",
            timeout_seconds=IMAGE_SECONDS,
            interval_seconds=0.25,
        )
        # From here on cloud-init may put the login back: it is not sealed any more.
        tag_resource(run, instance.id, {tags.SEALED: "", tags.BAKED: image.id})
    if instance.state in {"stopping", "stopped"}:
        instances.wait_for_state(instance.id, region, "stopped")
        # EC2 may not be ready to start it as long as its image is pending.
        instances.start_instance(instance.id, region, ready_seconds=IMAGE_SECONDS)
    host = host_of(run, instances.wait_for_state(instance.id, region, "running"))
    wait_for_boot(host)
    check_all_is_back(run, host)
    digest = step_digest(run.recipe, NAME)
    tag_resource(run, image.id, {tags.RESTARTED: digest})
    connection.disconnect(host)
    instances.stop_instance(instance.id, region)
    return Done(digest=digest, detail=f"volumes and JupyterLab came back on {host.address}")


def are_disks_in_snapshots(run: Run, builder: Instance, image_id: str) -> bool:
    """Tell whether what happens on the builder from now on does not come into its image."""
    disks = len(builder.volume_ids) - sum(not one.is_in_image for one in run.recipe.volumes)
    if own_image.count_snapshots_begun(run, image_id) >= disks:
        return True
    image = current_image(run)
    return image is not None and image.state == "available"


def without_builder(run: Run, image: Image) -> ResourceLostError:
    """Return the error that has the builder made again, and with it the image."""
    log.warning("The builder is gone before it was started again: removing %s", image.id)
    images.remove_image(image, run.recipe.region)
    own_image.remove_orphan_snapshots(run)
    return ResourceLostError(f"The builder of run {run.id} is gone.").with_next(resume(run.id))


def check_all_is_back(run: Run, host: Host) -> None:
    """Raise unless the volumes and JupyterLab are there without our help."""
    ssh.run_command(host, paths_are_mounted([one.mount_point for one in run.recipe.volumes]))
    wait_for_jupyter(host, run.recipe.jupyter_port)


def forget_restart(run: Run) -> None:
    """Let the builder be started again, whatever was found before."""
    image = current_image(run)
    if image:
        tag_resource(run, image.id, {tags.RESTARTED: ""})


STEP = Step(NAME, "Restart the builder", find, make)
