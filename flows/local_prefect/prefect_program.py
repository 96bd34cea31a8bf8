"""Prefect's command, as `python -m prefect`, with quicker imports."""

import sys

from flows.local_prefect.quick_imports import speed_up_imports
from flows.terminal.standard_streams import outlive_the_terminal

PREFECT = (sys.executable, "-m", "flows.local_prefect.prefect_program")

if __name__ == "__main__":
    outlive_the_terminal()
    speed_up_imports()
    from prefect.cli import app

    from flows.local_prefect.proxies import ask_loopback_directly

    ask_loopback_directly()
    app()
