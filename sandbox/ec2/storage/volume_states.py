"""What happens to a volume in the background, once a call has been answered."""

import logging
from collections.abc import Callable
from functools import partial

from sandbox.ec2.model import Attachment, Volume
from sandbox.ec2.state.region import Region

log = logging.getLogger(__name__)


def finish_creation(region: Region, volume: Volume) -> None:
    """Make the volume's content; then it is available."""
    _try(
        region,
        volume,
        lambda: region.core.machines.create_volume(volume.id, volume.size_gib, volume.snapshot_id),
    )
    with region.core.lock:
        failed = region.course.failure(volume.id) is not None
        region.course.end(volume.id, "creating", lambda: _be_created(volume, failed=failed))


def finish_attachment(region: Region, volume: Volume, attachment: Attachment) -> None:
    """Show the volume to the host; then it is attached."""
    again = partial(finish_attachment, region, volume, attachment)
    with region.core.lock:
        if volume.attachment is not attachment or attachment.state != "attaching":
            return
        if region.course.lasts(volume.id, "attaching"):
            # The host does not see it before it is attached.
            work = partial(region.core.later, attachment.instance_id, again)
            region.course.end(volume.id, "attaching", work)
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
    """Take the volume from the host; then it is available."""
    if volume.attachment is not attachment:
        return
    try:
        region.core.machines.detach_volume(attachment.instance_id, volume.id)
    except Exception:
        log.exception("Volume %s could not be taken from its host", volume.id)
        with region.core.lock:
            attachment.state = "attached"
        return
    with region.core.lock:
        region.course.end(volume.id, "detaching", lambda: _be_free(volume, attachment))


def _be_created(volume: Volume, *, failed: bool) -> None:
    if volume.state == "creating":
        volume.state = "error" if failed else "available"


def _be_free(volume: Volume, attachment: Attachment) -> None:
    if volume.attachment is attachment:
        volume.attachment, volume.state = None, "available"


def _try(region: Region, volume: Volume, work: Callable[[], None]) -> None:
    """Do the host's part; a volume whose part fails is shown in state `error`, as on EC2."""
    try:
        work()
    except Exception:
        log.exception("Volume %s failed", volume.id)
        with region.core.lock:
            volume.state = "error"
