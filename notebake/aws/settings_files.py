"""Where botocore reads AWS's settings on this computer."""

import os
from pathlib import Path
from typing import Any

import botocore.session


def path_of(variable: str) -> str:
    """Return where botocore looks for `config_file` or `credentials_file`."""
    path = Path(str(core_settings().get_config_variable(variable)))
    try:
        return str(path.expanduser())
    except RuntimeError:
        # Nobody's home: no HOME, and no name for this user.
        return str(path)


def profile() -> str:
    """Return the name of the profile in use."""
    return str(core_settings().get_config_variable("profile") or "default")


def format_unreadable() -> str:
    """Return which file of settings is there and may not be read, as the end of a sentence."""
    paths = [Path(path_of(one)) for one in ("credentials_file", "config_file")]
    barred = [str(one) for one in paths if one.is_file() and not os.access(one, os.R_OK)]
    return f", and {' and '.join(barred)} cannot be read" if barred else ""


def core_settings() -> Any:
    """Return a session of botocore's that reads nothing but names; the process's own may fail."""
    return botocore.session.get_session()
