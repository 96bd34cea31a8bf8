"""Which server Prefect has been told to use, as Prefect reads it, without its import of seconds.

As in prefect/settings/base.py and sources.py of 3.8.8: the environment goes first, then `.env`,
`prefect.toml` and `pyproject.toml` of the working directory, then the active profile. The first one
that says anything counts, also where it says "", which is "no server".
"""

import os
import tomllib
from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from notebake.errors import NotebakeError

PROJECT_FILES = {"prefect.toml": (), "pyproject.toml": ("tool", "prefect")}
"""Files of the working directory, and where in them Prefect's settings begin."""


class Choice(NamedTuple):
    """A server that Prefect uses, and what says so."""

    url: str
    said_by: str


def chosen_server() -> Choice | None:
    """Return the server that Prefect has been told to use, if there is one.

    Raises:
        NotebakeError: a file that Prefect reads cannot be read.
    """
    first = next(_choices(), None)
    return first if first and first.url else None


def profiles_path() -> Path:
    """Return the file with the profiles: the user's, or the one that Prefect brings."""
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
        pass  # nobody can read a profile there
    package = find_spec("prefect")
    return Path(str(package.origin if package else "")).parent / "settings" / "profiles.toml"


def _choices() -> Iterator[Choice]:
    """Give what each source says of the server, the strongest first."""
    for source, variables in (("the environment", os.environ), ("the file .env", _dotenv())):
        # Pydantic does not tell small letters from capitals.
        named = {name.upper(): value for name, value in variables.items()}
        if (url := named.get("PREFECT_API_URL")) is not None:
            yield Choice(url, f"PREFECT_API_URL in {source}")
    for name, table in PROJECT_FILES.items():
        if (url := _value_in(_read_toml(Path(name)), (*table, "api", "url"))) is not None:
            yield Choice(str(url), f"api.url in {Path(name).absolute()}")
    path = profiles_path()
    content = _read_toml(path)
    active = os.environ.get("PREFECT_PROFILE") or content.get("active")
    if (url := _value_in(content, ("profiles", str(active), "PREFECT_API_URL"))) is not None:
        yield Choice(str(url), f"the active profile {active} of {path}")


def _dotenv() -> Mapping[str, str]:
    """Return the variables in the file .env of the working directory."""
    if not Path(".env").is_file():
        return {}
    from dotenv import dotenv_values

    return {name: value for name, value in dotenv_values(".env").items() if value is not None}


def _read_toml(path: Path) -> dict[str, Any]:
    """Return what a file holds; nothing where there is none."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NotebakeError(
            f"Prefect reads {path.absolute()}, and it cannot be read: {error}",
            "Mend it or move it away; or, if it is Prefect's profiles, name another file:"
            " export PREFECT_PROFILES_PATH=/PATH/TO/FILE",
        ) from error


def _value_in(content: Any, keys: tuple[str, ...]) -> Any:
    """Return what lies in nested tables under the keys, or None."""
    for key in keys:
        content = content.get(key) if isinstance(content, dict) else None
    return content
