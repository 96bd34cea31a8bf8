"""Takes snapshots of the builder's disks, so that those of its image copy only what changes later.

Nothing waits for them but the request for the image. They are an aid: if EC2 refuses one, the image
takes longer.

Needs   the software, the datasets and the repository, on the running builder
Gives   Done; a snapshot of each disk that becomes part of the image, tagged with its volume
Costs   storage of what was written, until the tear-down
"""

import logging

from notebake.aws.model import Instance
from notebake.commands.volumes import flush_disks
from notebake.errors import (
    CloudError,
    HostCommandError,
    HostUnreachableError,
    LoginShellError,
    SessionRefusedError,
    WrongAccountError,
)
from notebake.images.early_snapshots import (
    disks_of_builder,
    ensure_snapshot,
    find_snapshots,
    remove_early_snapshots,
)
from notebake.machines.builder import builder_host, require_builder
from notebake.machines.host_step import find_finished
from notebake.resources import stack_instances
from notebake.runbook.plan import step_digest
from notebake.runbook.step import Done, Step
from notebake.runs.run import Run
from notebake.ssh import remote as ssh

log = logging.getLogger(__name__)
NAME = "snapshot_disks"
FLUSH_SECONDS = 300
"""How long a host may take to write what it has in memory."""


def find(run: Run) -> Done | None:
    """Return the result if each disk has its snapshot, or if the builder needs none any more."""
    digest = step_digest(run.recipe, NAME)
    builder = stack_instances.find_builder(run)
    if (done := find_finished(run, builder, digest)) or builder is None:
        return done
    taken = {snapshot.volume_id: snapshot.id for snapshot in find_snapshots(run)}
    wanted = disks_of_builder(run, builder)
    if not all(volume_id in taken for volume_id in wanted):
        return None
    return Done(digest=digest, detail=" ".join(taken[volume_id] for volume_id in wanted))


def make(run: Run) -> Done:
    """Let the host write what it has in memory, and take the snapshots; say which are refused."""
    builder = require_builder(run)
    flush(run)
    return take_snapshots(run, builder)


def flush(run: Run) -> None:
    """Let the builder write what it has in memory: no snapshot contains what is only there.

    Where it does not, the image copies more later.
    """
    host = builder_host(run)
    try:
        ssh.run_command(host, flush_disks(), timeout_seconds=FLUSH_SECONDS)
    except (HostCommandError, HostUnreachableError, LoginShellError, SessionRefusedError) as error:
        log.warning("%s\nThe snapshots ahead of the image lack what was not written", error)


def take_snapshots(run: Run, builder: Instance) -> Done:
    """Request the snapshots; one that EC2 refuses is missing in the result."""
    taken: list[str] = []
    for volume_id in disks_of_builder(run, builder):
        try:
            taken.append(ensure_snapshot(run, builder, volume_id))
        except WrongAccountError:
            raise
        except CloudError as error:
            log.warning("%s\nWithout this snapshot the image takes longer", error)
    return Done(digest=step_digest(run.recipe, NAME), detail=" ".join(taken) or "none")


def undo(run: Run) -> None:
    """Delete the snapshots; those of the image do not need them."""
    remove_early_snapshots(run)


STEP = Step(NAME, "Copy the disks ahead of the image", find, make, undo)
