"""Faults put into notebake, to see that the kill test finds them."""

import secrets
from typing import Any

from notebake.aws.model import Instance, Stack
from notebake.ledger import kinds
from notebake.ledger.chain import Chain
from notebake.ledger.entry import Entry
from notebake.machines import launch_request
from notebake.resources import stack_instances
from notebake.runbook.step import current_step
from notebake.runs import idempotency
from tests.replacement import replace


def sabotage() -> None:
    """Let a launch look for no earlier one, and be a request that nobody can repeat."""
    find_launched = stack_instances.find_launched

    def find_none_while_launching(stack: Stack, role: str) -> list[Instance]:
        is_launching = current_step.get() == "launch_instance"
        return [] if is_launching else find_launched(stack, role)

    stack_instances.find_launched = find_none_while_launching
    launch_request.retry_open_launch = lambda *_: None
    idempotency.client_token = lambda *_: secrets.token_hex(32)


def sabotage_record() -> None:
    """Let the record miss each launch, and lose the outcome of one step."""
    append = Chain.append

    def forget(chain: Chain, kind: str, body: dict[str, Any]) -> Entry:
        if kind == kinds.SENT and body["operation"] == "RunInstances":
            return chain.entries()[-1]
        entry = append(chain, kind, body)
        if kind == kinds.STEP and body["step"] == "import_key_pair":
            chain._place.store.delete(chain._place.key(chain.run, entry.sequence))
        return entry

    replace(Chain, append=forget)
