"""A fault put into notebake that no undisturbed run shows, to see that a kill would find it."""

import secrets

from notebake.aws.model import Instance, Stack
from notebake.machines import launch_request
from notebake.resources import stack_instances
from notebake.runbook.step import current_step
from notebake.runs import idempotency


def sabotage() -> None:
    """Let a launch look for no earlier one, and be a request that nobody can repeat."""
    find_launched = stack_instances.find_launched

    def find_none_while_launching(stack: Stack, role: str) -> list[Instance]:
        is_launching = current_step.get() == "launch_instance"
        return [] if is_launching else find_launched(stack, role)

    stack_instances.find_launched = find_none_while_launching
    launch_request.retry_open_launch = lambda *_: None
    idempotency.client_token = lambda *_: secrets.token_hex(32)
