"""The state in which EC2 shows an instance: entered now, and left when its time is over."""

from sandbox.ec2.model import Instance
from sandbox.ec2.state.region import Region


def enter_state(
    region: Region, instance: Instance, state: str, reason: tuple[str, str] | None
) -> None:
    """Show the instance in this state, and why."""
    if state == "pending":
        region.course.begin_launch(instance.id)
    elif state in ("stopping", "shutting-down"):
        region.course.begin(instance.id, state)
    instance.state = state
    instance.state_reason = reason
    moment = region.now()
    instance.transition_reason = (
        f"User initiated ({moment:%Y-%m-%d %H:%M:%S} GMT)" if reason else ""
    )
    instance.end_time = moment if state == "terminated" else None
    if instance.interface:
        instance.interface.public_ip = instance.public_address


def end_state(region: Region, instance: Instance, state: str, following: str) -> None:
    """Let the next state follow, unless another has begun in between."""

    def follow() -> None:
        if instance.state == state:
            reason = None if following == "running" else instance.state_reason
            enter_state(region, instance, following, reason)

    with region.core.lock:
        region.course.end(instance.id, state, follow)
