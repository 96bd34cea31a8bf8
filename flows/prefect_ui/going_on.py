"""Flow runs that go on by themselves after their process or worker was killed.

An automation of the server (`deployments/going_on.py`) starts them again, as Retry does.
"""

import logging
from uuid import UUID

import httpx
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import FlowRun
from prefect.exceptions import PrefectException
from prefect.runtime import flow_run

from flows.local_prefect.after_crash import AUTOMATION, EXECUTIONS, MESSAGE, POOL

log = logging.getLogger(__name__)


def has_gone_on() -> str:
    """Return a sentence if the current flow run was started again by itself; else nothing."""
    flow_run_id, count = flow_run.get_id(), flow_run.get_run_count()
    if not flow_run_id or count < 2:
        return ""
    try:
        with get_client(sync_client=True) as client:
            states = client.read_flow_run_states(UUID(flow_run_id))
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("What Prefect has of this flow run could not be read: %s", error)
        return ""
    restarts = [state for state in states if state.is_scheduled()]
    if not restarts or restarts[-1].message != MESSAGE:
        return ""
    return f"went on by itself after its process or worker was killed ({ordinal(count)} execution)"


def will_go_on(crashed: FlowRun) -> bool:
    """Return whether the server lets a crashed flow run go on by itself.

    The server is asked for it: a worker's hook has the flow run as it was before its execution.
    """
    try:
        with get_client(sync_client=True) as client:
            now = client.read_flow_run(crashed.id)
            if now.work_pool_name != POOL or not 0 < now.run_count < EXECUTIONS:
                return False
            found = client.read_automations_by_name(AUTOMATION)
    except (PrefectException, httpx.HTTPError):
        return False
    return any(automation.enabled for automation in found)


def ordinal(number: int) -> str:
    """Return `2nd`, `3rd`, `4th`; only small numbers occur."""
    return f"{number}{ {2: 'nd', 3: 'rd'}.get(number, 'th') }"
