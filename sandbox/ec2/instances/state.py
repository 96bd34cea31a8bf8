"""The state in which EC2 shows an instance: how it is entered, and how it ends."""

from sandbox.ec2.model import Instance
from sandbox.ec2.state.region import Region


def enter_state(
    region: Region, instance: Instance, state: str, reason: tuple[str, str] | None
) -> None:
    """Show the instance in this state, with the reason."""
    if state == "pending":
        region.transitions.begin_launch(instance.id)
    elif state in ("stopping", "shutting-down"):
        region.transitions.begin(instance.id, state)
    instance.state = state
    instance.state_reason = reason
    now = region.now()
    instance.transition_reason = f"User initiated ({now:%Y-%m-%d %H:%M:%S} GMT)" if reason else ""
    instance.end_time = now if state == "terminated" else None
    if instance.interface:
        instance.interface.public_ip = instance.public_address


def end_state(region: Region, instance: Instance, state: str, following: str) -> None:
    """Enter the following state when this state ends, unless it has changed in between."""

    def follow() -> None:
        if instance.state == state:
            reason = None if following == "running" else instance.state_reason
            enter_state(region, instance, following, reason)

    with region.core.lock:
        region.transitions.end(instance.id, state, follow)
