"""Gives a state of a flow run our message, where Prefect has its own.

Prefect sets the last state of a flow run after its hooks have run, with a sentence of its own that
says nothing of what is left. So a hook starts this program, which waits for that state:
`python -m flows.prefect_ui.state_message FLOW_RUN_ID TYPE`, with the message as its input.
"""

import logging
import os
import subprocess
import sys
import time
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State, StateType
from prefect.exceptions import PrefectException

from flows.local_prefect.prefect_program import with_project

log = logging.getLogger(__name__)
REACHED_SECONDS = 120
"""How long it may take until Prefect has set the state."""
STANDS_SECONDS = 10
"""How long to look after the message: a worker reports a dead process twice, some five seconds
apart (prefect 3.8.8)."""
PAUSE_SECONDS = 0.5


def set_message(flow_run_id: UUID, wanted: StateType, message: str) -> StateType | None:
    """Set the message if the flow run is in a state of this type; return the type of its state.

    A failure is logged, and returned as None.
    """
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(flow_run_id).state
            if state and state.type == wanted and state.message != message:
                again = State(
                    type=state.type,
                    name=state.name,
                    message=message,
                    state_details=state.state_details,
                )
                client.set_flow_run_state(flow_run_id, again, force=True)
            return state.type if state else None
    except (PrefectException, httpx.HTTPError) as error:
        log.debug("The state of flow run %s could not be read or set: %s", flow_run_id, error)
        return None


def set_message_later(flow_run_id: UUID, wanted: StateType, message: str) -> None:
    """Start this program, which outlives its parent; Prefect waits for its hooks."""
    command = [sys.executable, "-m", "flows.prefect_ui.state_message"]
    started = subprocess.Popen(
        [*command, str(flow_run_id), wanted.value],
        env=with_project(os.environ),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    if started.stdin:
        with started.stdin as pipe:
            pipe.write(message.encode())


def keep_message(flow_run_id: UUID, wanted: StateType, message: str) -> bool:
    """Set the message once the state is reached, and again; return whether it was reached.

    It ends early if the flow run goes on, by a Retry for example.
    """
    reached_at: float | None = None
    end = time.monotonic() + REACHED_SECONDS
    while time.monotonic() < end:
        found = set_message(flow_run_id, wanted, message)
        if found == wanted and reached_at is None:
            reached_at = time.monotonic()
            end = reached_at + STANDS_SECONDS
        elif found and found != wanted and reached_at:
            break
        time.sleep(PAUSE_SECONDS)
    return reached_at is not None


if __name__ == "__main__":
    identifier, state_type = sys.argv[1:]
    text = sys.stdin.read()
    sys.exit(0 if keep_message(UUID(identifier), StateType(state_type), text) else 1)
