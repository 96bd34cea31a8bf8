"""Prefect's command line, like `python -m prefect`, but with faster imports."""

import os
import sys
from collections.abc import Mapping

from flows.local_prefect.prefect_environment import (
    bypass_proxies_for_loopback,
    speed_up_imports,
)
from flows.terminal.standard_streams import outlive_the_terminal
from notebake.project import PROJECT

PREFECT = (sys.executable, "-m", "flows.local_prefect.prefect_program")


def with_project(variables: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with a PYTHONPATH that finds our programs from any directory."""
    path = filter(None, (str(PROJECT), variables.get("PYTHONPATH")))
    return {**variables, "PYTHONPATH": os.pathsep.join(path)}


if __name__ == "__main__":
    outlive_the_terminal()
    speed_up_imports()
    from prefect.cli import app

    bypass_proxies_for_loopback()
    app()
