"""Flow runs as Prefect's UI starts them: of a deployment, and carried out in this process."""

from typing import Any
from uuid import UUID, uuid4

from prefect import Flow
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import DeploymentScheduleCreate
from prefect.client.schemas.filters import (
    ArtifactFilter,
    ArtifactFilterFlowRunId,
    LogFilter,
    LogFilterFlowRunId,
)
from prefect.client.schemas.objects import DeploymentSchedule, FlowRun, State
from prefect.client.schemas.sorting import ArtifactSort
from prefect.flow_engine import run_flow_sync

from notebake.waiting import wait_until
from tests.limits import HANG_SECONDS


def started_in_ui(of: Flow[..., Any], name: str = "", /, **parameters: Any) -> FlowRun:
    """Return a flow run of a new deployment, named as a person has typed, or by the server."""
    with get_client(sync_client=True) as client:
        deployment_id = client.create_deployment(
            client.create_flow(of),
            f"deployment {uuid4()}",
            parameter_openapi_schema=of.parameters.model_dump(),
            enforce_parameter_schema=True,
        )
        return client.create_flow_run_from_deployment(
            deployment_id, parameters=parameters, name=name or None
        )


def scheduled(
    of: Flow[..., Any], *schedules: DeploymentScheduleCreate, **parameters: Any
) -> FlowRun:
    """Return a flow run of a new deployment with parameters of its own, and schedules."""
    with get_client(sync_client=True) as client:
        deployment_id = client.create_deployment(
            client.create_flow(of),
            f"deployment {uuid4()}",
            parameters=parameters,
            schedules=[*schedules],
            parameter_openapi_schema=of.parameters.model_dump(),
        )
        return client.create_flow_run_from_deployment(deployment_id)


def schedules_of(flow_run: FlowRun) -> list[DeploymentSchedule]:
    """Return the schedules of its deployment, as the server has them."""
    assert flow_run.deployment_id
    with get_client(sync_client=True) as client:
        return client.read_deployment(flow_run.deployment_id).schedules


def carried_out(flow_run: FlowRun, of: Flow[..., Any]) -> Any:
    """Carry a flow run out as the worker's process does, and return its result."""
    return run_flow_sync(of, flow_run=flow_run, parameters=flow_run.parameters)


def now(flow_run: FlowRun) -> FlowRun:
    """Return the flow run as the server has it."""
    with get_client(sync_client=True) as client:
        return client.read_flow_run(flow_run.id)


def set_state(flow_run_id: UUID, state: State[Any]) -> None:
    """Set a state as a button of the UI does."""
    with get_client(sync_client=True) as client:
        client.set_flow_run_state(flow_run_id, state, force=True)


def artifacts_of(flow_run: FlowRun) -> list[str]:
    """Return the artifacts of a flow run, the newest first."""
    wanted = ArtifactFilter(flow_run_id=ArtifactFilterFlowRunId(any_=[flow_run.id]))
    with get_client(sync_client=True) as client:
        found = client.read_artifacts(artifact_filter=wanted, sort=ArtifactSort.CREATED_DESC)
    return [str(each.data) for each in found]


def logged(flow_run: FlowRun, *, until: str) -> list[tuple[int, str]]:
    """Return level and message of what the UI shows as the log, once it contains a text."""
    wanted = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[flow_run.id]))

    def read() -> list[tuple[int, str]] | None:
        with get_client(sync_client=True) as client:
            records = [(each.level, each.message) for each in client.read_logs(wanted)]
        return records if any(until in message for _, message in records) else None

    return wait_until(read, what="the log in Prefect", timeout_seconds=HANG_SECONDS)
