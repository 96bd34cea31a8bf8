"""The work in the background that creates, attaches and detaches a volume."""

import logging
from collections.abc import Callable
from functools import partial

from sandbox.ec2.model import Attachment, Volume
from sandbox.ec2.state.region import Region

log = logging.getLogger(__name__)


def finish_creation(region: Region, volume: Volume) -> None:
    """Create the volume's file; then it is available, or in error if EBS cannot use its key."""
    _try(
        region,
        volume,
        lambda: region.core.machines.create_volume(volume.id, volume.size_gib, volume.snapshot_id),
    )
    with region.core.lock:
        failed = region.transitions.take_failure(volume.id) is not None
        failed |= not volume.has_usable_key
        region.transitions.end(volume.id, "creating", lambda: _set_created(volume, failed=failed))


def finish_attachment(region: Region, volume: Volume, attachment: Attachment) -> None:
    """Show the volume to the host; then it is attached."""
    again = partial(finish_attachment, region, volume, attachment)
    with region.core.lock:
        if volume.attachment is not attachment or attachment.state != "attaching":
            return
        if region.transitions.lasts(volume.id, "attaching"):
            # The host does not see the volume before it is attached.
            work = partial(region.core.later, attachment.instance_id, again)
            region.transitions.end(volume.id, "attaching", work)
            return
    _try(
        region,
        volume,
        lambda: region.core.machines.attach_volume(
            attachment.instance_id, volume.id, attachment.device
        ),
    )
    with region.core.lock:
        if attachment.state == "attaching" and volume.state != "error":
            attachment.state = "attached"


def finish_detachment(region: Region, volume: Volume, attachment: Attachment) -> None:
    """Remove the volume from the host; then it is available."""
    if volume.attachment is not attachment:
        return
    try:
        region.core.machines.detach_volume(attachment.instance_id, volume.id)
    except Exception:
        log.exception("Volume %s could not be removed from its host", volume.id)
        with region.core.lock:
            attachment.state = "attached"
        return
    with region.core.lock:
        region.transitions.end(volume.id, "detaching", lambda: _set_detached(volume, attachment))


def _set_created(volume: Volume, *, failed: bool) -> None:
    if volume.state == "creating":
        volume.state = "error" if failed else "available"


def _set_detached(volume: Volume, attachment: Attachment) -> None:
    if volume.attachment is attachment:
        volume.attachment, volume.state = None, "available"


def _try(region: Region, volume: Volume, work: Callable[[], None]) -> None:
    """Do the host's part. If it fails, the volume is shown in state `error`, as on EC2."""
    try:
        work()
    except Exception:
        log.exception("Volume %s failed", volume.id)
        with region.core.lock:
            volume.state = "error"
