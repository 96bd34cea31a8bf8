"""The server that Prefect is configured to use, read without the slow import of Prefect.

As in prefect/settings/base.py and sources.py of 3.8.8: the environment takes precedence, then
`.env`, `prefect.toml` and `pyproject.toml` of the working directory, then the active profile. The
first source with a value counts, even if the value is "", which means "no server".
"""

import os
import ssl
import tomllib
from collections.abc import Iterator, Mapping
from http.client import HTTPException
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple
from urllib.error import HTTPError, URLError
from urllib.request import urlopen

from notebake.errors import NotebakeError
from notebake.timeouts import PREFECT_ANSWER_SECONDS

PROJECT_FILES = {"prefect.toml": (), "pyproject.toml": ("tool", "prefect")}
"""Files of the working directory, and the table in each that contains Prefect's settings."""
USE_OWN_SERVER = "Or let notebake start its own server: export PREFECT_API_URL="


class ConfiguredServer(NamedTuple):
    """A server that Prefect is configured to use, and the setting that names it."""

    url: str
    source: str


def find_configured_server() -> ConfiguredServer | None:
    """Return the server that Prefect is configured to use, if there is one.

    Raises:
        NotebakeError: a file that Prefect reads cannot be read.
    """
    first = next(_configured_servers(), None)
    return first if first and first.url else None


def check_somebody_answers(server: ConfiguredServer) -> None:
    """Raise NotebakeError if nobody answers at the server's address, without importing Prefect.

    Whether it is Prefect's API and lets us in, with Prefect's own settings, is seen later.
    """
    try:
        with urlopen(f"{server.url}/health", timeout=PREFECT_ANSWER_SECONDS):  # noqa: S310
            pass
    except HTTPError:
        return
    except (URLError, OSError, ValueError, HTTPException) as error:
        reason = error.reason if isinstance(error, URLError) else error
        if not isinstance(reason, ssl.SSLError):
            raise NotebakeError(
                f"{_name_of(server)} does not answer: {reason}", _hint_to_start(server)
            ) from error


def _name_of(server: ConfiguredServer) -> str:
    return f"Prefect's server at {server.url}, which is named by {server.source},"


def check_server_responds(server: ConfiguredServer) -> None:
    """Raise NotebakeError unless the server responds as Prefect's API and lets us in."""
    import httpx

    name = _name_of(server)
    try:
        _send_requests()
    except httpx.HTTPStatusError as error:
        status = error.response.status_code
        if status in (401, 403):
            raise NotebakeError(
                f"{name} does not let us in: {status}.",
                "With a password: export PREFECT_API_AUTH_STRING=USER:PASSWORD\n"
                f"Prefect Cloud:   prefect cloud login\n{USE_OWN_SERVER}",
            ) from error
        raise NotebakeError(f"{name} answers {status}.", _hint_to_start(server)) from error
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ImportError, ValueError) as error:
        reason = str(error) or type(error).__name__
        raise NotebakeError(f"{name} does not answer: {reason}", _hint_to_start(server)) from error


def _send_requests() -> None:
    """Send a request to `/health`, which needs no credentials, and one that needs them."""
    from prefect.client.base import ServerType
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_CLIENT_MAX_RETRIES, temporary_settings

    with (
        temporary_settings({PREFECT_CLIENT_MAX_RETRIES: 0}),
        get_client(httpx_settings={"timeout": PREFECT_ANSWER_SECONDS}, sync_client=True) as client,
    ):
        if failure := client.api_healthcheck():
            raise failure
        if client.server_type is not ServerType.CLOUD:
            client.api_version()  # raises ValueError if the response is a page instead of JSON


def _hint_to_start(server: ConfiguredServer) -> str:
    address = "" if server.url.rstrip("/").endswith("/api") else " (its address ends with /api)"
    return f"Start it{address}: prefect server start\n{USE_OWN_SERVER}"


def profiles_path() -> Path:
    """Return the file with the profiles: the user's, or the one in Prefect's package."""
    named = os.environ.get("PREFECT_PROFILES_PATH") or _dotenv().get("PREFECT_PROFILES_PATH")
    for name, table in PROJECT_FILES.items():
        named = named or _value_in(_read_toml(Path(name)), (*table, "profiles_path"))
    if named:
        return Path(str(named))
    if home := os.environ.get("PREFECT_HOME"):
        return Path(home, "profiles.toml")
    try:
        own = Path.home() / ".prefect" / "profiles.toml"
        if own.exists():
            return own
    except (OSError, RuntimeError):
        pass  # there is no readable profile
    package = find_spec("prefect")
    return Path(str(package.origin if package else "")).parent / "settings" / "profiles.toml"


def _configured_servers() -> Iterator[ConfiguredServer]:
    """Yield the server that each source names, in order of precedence."""
    for source, variables in (("the environment", os.environ), ("the file .env", _dotenv())):
        # Pydantic ignores the case of names.
        by_name = {name.upper(): value for name, value in variables.items()}
        if (url := by_name.get("PREFECT_API_URL")) is not None:
            yield ConfiguredServer(url, f"PREFECT_API_URL in {source}")
    for name, table in PROJECT_FILES.items():
        if (url := _value_in(_read_toml(Path(name)), (*table, "api", "url"))) is not None:
            yield ConfiguredServer(str(url), f"api.url in {Path(name).absolute()}")
    path = profiles_path()
    content = _read_toml(path)
    active = os.environ.get("PREFECT_PROFILE") or content.get("active")
    if (url := _value_in(content, ("profiles", str(active), "PREFECT_API_URL"))) is not None:
        yield ConfiguredServer(str(url), f"the active profile {active} of {path}")


def _dotenv() -> Mapping[str, str]:
    if not Path(".env").is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(".env").items() if value is not None}


def _read_toml(path: Path) -> dict[str, Any]:
    """Return the content of a file, or an empty mapping if it does not exist."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotebakeError(
            f"Prefect reads {path.absolute()}, which cannot be read: {error}",
            "Correct it or move it away; or, if it contains Prefect's profiles, name another file:"
            " export PREFECT_PROFILES_PATH=/PATH/TO/FILE",
        ) from error


def _value_in(content: Any, keys: tuple[str, ...]) -> Any:
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content
