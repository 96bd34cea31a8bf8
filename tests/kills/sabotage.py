"""A fault put into notebake that no undisturbed run shows, to see that a kill would find it."""

import secrets
from typing import Any

from notebake.machines import launch_request
from notebake.resources import own_machines
from notebake.runbook.step import current_step
from notebake.runs import idempotency


def sabotage() -> None:
    """Let a launch look for no earlier one, and be a request that nobody can repeat."""
    find_launched = own_machines.find_launched

    def find_none_while_launching(*arguments: Any) -> list[Any]:
        is_launching = current_step.get() == "launch_instance"
        return [] if is_launching else find_launched(*arguments)

    own_machines.find_launched = find_none_while_launching
    launch_request.ask_again = lambda *_: None
    idempotency.client_token = lambda *_: secrets.token_hex(32)
