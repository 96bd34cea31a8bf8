"""The schedules of the deployment that the current flow run is of, in Prefect."""

import logging
from collections.abc import Iterator
from uuid import UUID

import httpx
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import DeploymentSchedule
from prefect.exceptions import PrefectException
from prefect.runtime import deployment, flow_run

from flows.prefect_ui.form import chosen_path
from notebake.errors import RecipeError

log = logging.getLogger(__name__)


def switch_off_schedules(recipe_path: str) -> str:
    """Switch off the schedules that start this flow for a recipe; return a sentence about it.

    It is "" if the flow run is of no deployment. Schedules for other recipes stay as they are.
    """
    deployment_id = deployment.get_id()
    if not deployment_id:
        return ""
    name = f"{flow_run.get_flow_name()}/{deployment.get_name()}"
    try:
        with get_client(sync_client=True) as client:
            schedules = [*_list_active(client, UUID(deployment_id), recipe_path)]
            for schedule in schedules:
                client.update_deployment_schedule(UUID(deployment_id), schedule.id, active=False)
    except (PrefectException, httpx.HTTPError) as error:
        log.warning("The schedules of %s could not be switched off: %s", name, error)
        return f"The schedules of {name} could not be switched off in Prefect: {error}."
    if not schedules:
        return f"No schedule of {name} is on."
    log.error("The schedules of %s were switched off", name)
    commands = "; ".join(
        f"prefect deployment schedule resume '{name}' {schedule.id}" for schedule in schedules
    )
    return (
        f"Its schedule was switched off in Prefect. To switch it on again, after a build by hand"
        f" or with a changed recipe: on the page of the deployment {name}, or by {commands}"
    )


def _list_active(
    client: SyncPrefectClient, deployment_id: UUID, recipe_path: str
) -> Iterator[DeploymentSchedule]:
    """Yield the active schedules whose parameters name the recipe."""
    found = client.read_deployment(deployment_id)
    for schedule in found.schedules:
        given = {**found.parameters, **schedule.parameters}
        try:
            path = chosen_path(str(given.get("recipe", "")), str(given.get("recipe_path", "")))
        except RecipeError:
            continue
        if schedule.active and str(path) == recipe_path:
            yield schedule
