"""The command `init`: write a first recipe."""

import argparse
from pathlib import Path

from flows.cli.exit_codes import DONE
from notebake.errors import NextCommand, NotebakeError, describe_next

EXAMPLE = "notebake init ocean.yaml"
FIRST_RECIPE = """\
# A recipe for notebake: one image, what is on it, and what must run on it before anybody gets it.
# Only `name` is required. Lines that begin with "#:" are examples: take these two characters away
# where you want them. A field that is misspelt is refused before anything is made.

name: my-image
description: JupyterLab with numpy and matplotlib
region: us-west-2

# The machine that builds the image, in order of preference. The image itself starts on any size.
instance_types: [m6i.large]

# Everybody who starts a machine from the image pays for a disk of this size.
root_volume:
  size_gib: 16

# What is installed besides JupyterLab: from PyPI by pip, or from conda-forge by conda.
software:
  manager: pip
  packages: [numpy, matplotlib]

# Who may reach the machines by ssh while they are built and proven: this computer.
network:
  ssh_from: [auto]

# The repository that the image is for, and the notebook of it that must pass. Without them a small
# notebook of notebake's own runs: it checks Python, the disks and a figure.
#:repository:
#:  url: https://github.com/OWNER/NAME
#:  ref: main
#:notebook:
#:  path: notebooks/analysis.ipynb
#:  minimum_cells: 5
#:  minimum_figures: 1

# A disk for data. Each machine from the image gets a copy of it.
#:volumes:
#:  - name: data
#:    mount_point: /data
#:    size_gib: 10

# Accounts that may start the accepted image, as 12 digits.
#:share_with: ["123456789012"]

# On everything that is made, so that the right people find it and pay for it.
tags:
  Project: notebake
  Owner: put-your-name-here

# What is temporary ends by itself so many hours after the last sign of life from the run.
lease_hours: 6
"""
"""A valid recipe. Its lines that begin with "#:" are valid, too, without these two characters."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument(
        "path", nargs="?", default="recipe.yaml", help="file to write (default: recipe.yaml)"
    )


def run(given: argparse.Namespace) -> int:
    """Write the first recipe to a new file, and print what to type next."""
    from flows.terminal.console import open_console

    path = Path(given.path)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(FIRST_RECIPE)
    except FileExistsError as error:
        raise NotebakeError(
            f"{path} exists already; nothing was written.", "Give another file name."
        ) from error
    except OSError as error:
        raise NotebakeError(f"{path} could not be written: {error.strerror}.") from error
    steps = (
        NextCommand(("plan", str(path)), "To check it"),
        NextCommand(("build", str(path)), "To build"),
    )
    lines = (f"Wrote {path}, a first recipe.", *describe_next(steps, given.store))
    open_console().print("\n".join(lines), soft_wrap=True, markup=False)
    return DONE
