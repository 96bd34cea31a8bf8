"""Watches what is done to a running flow run in Prefect: Pause, and Delete.

Prefect tells neither to the step that is running: it would go on for as long as it lasts. A run
that was taken for dead, as when its computer slept, is shown as running again.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.exceptions import ObjectNotFound, PrefectException
from prefect.runtime import deployment, flow_run
from prefect.states import Running

from notebake.waiting import interrupt_waits

POLL_SECONDS = 3.0


@dataclass
class Watch:
    """What was done to the flow run meanwhile."""

    found: Literal["", "paused", "deleted"] = ""

    @property
    def is_paused(self) -> bool:
        return self.found == "paused"

    @property
    def is_deleted(self) -> bool:
        return self.found == "deleted"


@contextmanager
def watching_flow_run() -> Iterator[Watch]:
    """Interrupt the waits of this process as soon as the flow run is paused or deleted.

    Only flow runs of a deployment are watched, as only they can be resumed from the UI.
    """
    watch, ended = Watch(), threading.Event()
    flow_run_id = flow_run.get_id()
    if not flow_run_id or not deployment.get_id():
        yield watch
        return
    thread = threading.Thread(target=_poll, args=(UUID(flow_run_id), watch, ended), daemon=True)
    thread.start()
    try:
        yield watch
    finally:
        ended.set()
        thread.join()


def _poll(flow_run_id: UUID, watch: Watch, ended: threading.Event) -> None:
    with get_client(sync_client=True) as client:
        while not watch.found and not ended.wait(POLL_SECONDS):
            watch.found = _ask(client, flow_run_id)
    if watch.found:
        interrupt_waits()


def _ask(client: SyncPrefectClient, flow_run_id: UUID) -> Literal["", "paused", "deleted"]:
    """Return what was done; nothing if the server does not answer."""
    try:
        state = client.read_flow_run(flow_run_id).state
    except ObjectNotFound:
        return "deleted"
    except (PrefectException, httpx.HTTPError):
        return ""
    if state and state.is_crashed():
        show_alive(client, flow_run_id)
    return "paused" if state and state.is_paused() else ""


def show_alive(client: SyncPrefectClient, flow_run_id: UUID) -> None:
    """Set the state of a flow run that lives, though Prefect has taken it for dead."""
    alive: State[None] = Running(message="It was taken for dead, and is alive.")
    with suppress(PrefectException, httpx.HTTPError):
        client.set_flow_run_state(flow_run_id, alive, force=True)
