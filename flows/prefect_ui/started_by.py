"""What started a flow, for the record: what Prefect says of its flow run, and the running code."""

from prefect.runtime import deployment, flow_run

from flows.prefect_ui.going_on import has_gone_on
from notebake.local.code_version import code_version
from notebake.runs.execution_record import StartedBy


def started_by() -> StartedBy:
    """Return what started the current flow run."""
    claims = {
        "flow_run_id": flow_run.get_id(),
        "flow_run_name": flow_run.get_name(),
        "deployment": deployment.get_name(),
        "scheduled_for": flow_run.get_scheduled_start_time(),
        "run_count": flow_run.get_run_count(),
        "went_on": has_gone_on(),
    }
    return StartedBy(
        what=f"Prefect flow {flow_run.get_flow_name()}",
        code=code_version(),
        claims={name: str(value) for name, value in claims.items() if value},
    )
