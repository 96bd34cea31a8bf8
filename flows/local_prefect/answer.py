"""Whether the server that Prefect has been told to use answers, asked as Prefect itself will ask.

Imports Prefect.
"""

import httpx
from prefect.client.base import ServerType
from prefect.client.orchestration import get_client
from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

from flows.local_prefect.choice import Choice
from notebake.errors import NotebakeError
from notebake.timeouts import PREFECT_ANSWER_SECONDS

OWN_INSTEAD = "Or let notebake start one for itself: export PREFECT_API_URL="


def check_it_answers(choice: Choice) -> None:
    """Raise NotebakeError unless the server answers as Prefect's API does, and lets us in.

    `/health` is answered to anybody, so it is also asked for something that is not.
    """
    where = f"Prefect's server at {choice.url}, which is named by {choice.said_by},"
    try:
        _ask()
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise NotebakeError(
                f"{where} does not let us in: {status}.", _how_to_log_in()
            ) from error
        raise NotebakeError(f"{where} answers {status}.", _how_to_start(choice)) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ImportError, ValueError) as error:
        said = str(error) or type(error).__name__
        raise NotebakeError(f"{where} does not answer: {said}", _how_to_start(choice)) from error


def _ask() -> None:
    """Ask the server who it is, once."""
    seconds = {"timeout": PREFECT_ANSWER_SECONDS}
    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(httpx_settings=seconds, sync_client=True) as client,
    ):
        if failure := client.api_healthcheck():
            raise failure
        if client.server_type is not ServerType.CLOUD:
            client.api_version()  # a ValueError where a page comes instead of JSON


def _how_to_start(choice: Choice) -> str:
    """Return what to type where nobody answers."""
    address = "" if choice.url.rstrip("/").endswith("/api") else " (its address ends with /api)"
    return f"Start it{address}: prefect server start\n{OWN_INSTEAD}"


def _how_to_log_in() -> str:
    """Return what to type where the server wants to know who asks."""
    return (
        "With a password: export PREFECT_API_AUTH_STRING=USER:PASSWORD\n"
        "Prefect Cloud:   prefect cloud login\n"
        f"{OWN_INSTEAD}"
    )
