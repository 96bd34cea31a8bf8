"""Where the folders lie that stand beside this package in the repository, and what starts there.

A wheel has them inside of this package. `flows`, `tasks` and `sandbox` are names that others use
as well: installed as they are, the packages of one would hide those of the other.
"""

import runpy
import sys
from pathlib import Path

PACKAGE = Path(__file__).parent
INSTALLED = PACKAGE / "_project"
"""Made by setup.py; a checkout has no such folder."""
PROJECT = INSTALLED if INSTALLED.is_dir() else PACKAGE.parent


def notebake() -> None:
    """Run the command line, as the console script `notebake`."""
    run_program("flows.cli.main")


def notebake_sandbox() -> None:
    """Run the sandbox's command line, as the console script `notebake-sandbox`."""
    run_program("sandbox")


def run_program(module: str) -> None:
    """Run a module of the project as `python -m` does, whatever else has its name here."""
    sys.path.insert(0, str(PROJECT))
    runpy.run_module(module, run_name="__main__")
