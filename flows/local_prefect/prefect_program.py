"""Prefect's command, as `python -m prefect`, with quicker imports."""

import os
import sys
from collections.abc import Mapping

from flows.local_prefect.quick_imports import speed_up_imports
from flows.terminal.standard_streams import outlive_the_terminal
from notebake.project import PROJECT

PREFECT = (sys.executable, "-m", "flows.local_prefect.prefect_program")


def with_project(variables: Mapping[str, str]) -> dict[str, str]:
    """Return variables with which Python finds our programs, wherever it is started."""
    path = filter(None, (str(PROJECT), variables.get("PYTHONPATH")))
    return {**variables, "PYTHONPATH": os.pathsep.join(path)}


if __name__ == "__main__":
    outlive_the_terminal()
    speed_up_imports()
    from prefect.cli import app

    from flows.local_prefect.proxies import ask_loopback_directly

    ask_loopback_directly()
    app()
