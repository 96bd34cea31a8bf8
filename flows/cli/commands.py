"""The table of the commands of `notebake`.

To add a command, add its line here, and its file with `EXAMPLE`, `add_arguments` and `run`.
"""

import argparse
from importlib import import_module
from typing import NamedTuple, Protocol, cast

MAKE = "make an image"
USE = "use an image"
LOOK_AFTER = "look after what exists"
RECORDS = "keep records"
SHELL = "set up your shell"


class Command(NamedTuple):
    """A command: its name, its heading in the help, its module and a summary."""

    name: str
    group: str
    module: str
    summary: str


COMMANDS = (
    Command("init", MAKE, "flows.cli.init", "write a first recipe to begin with"),
    Command("plan", MAKE, "flows.cli.plan", "check a recipe and estimate its cost; makes nothing"),
    Command("build", MAKE, "flows.cli.build", "bake the image of a recipe and prove it"),
    Command("resume", MAKE, "flows.cli.resume", "continue a run where it stopped"),
    Command("approve", MAKE, "flows.cli.approve", "list what waits for a person; answer it"),
    Command("start", USE, "flows.cli.start", "start a notebook server from an image"),
    Command("open", USE, "flows.cli.open", "open a server's JupyterLab in the browser"),
    Command("servers", USE, "flows.cli.servers", "list the notebook servers and their costs"),
    Command("keep", USE, "flows.cli.keep", "keep a server from stopping by itself for a while"),
    Command("stop", USE, "flows.cli.stop", "stop a notebook server; its disks stay"),
    Command("terminate", USE, "flows.cli.terminate", "remove a notebook server with its disks"),
    Command("images", USE, "flows.cli.images", "the catalogue: what there is, and its cost"),
    Command("promote", USE, "flows.cli.promote", "make an image the current one of its recipe"),
    Command("rollback", USE, "flows.cli.rollback", "go back to the image before, and hold that"),
    Command("revoke", USE, "flows.cli.revoke", "block an image as a base; name what it led to"),
    Command("share", USE, "flows.cli.share", "let others launch an image"),
    Command("unshare", USE, "flows.cli.unshare", "let them launch it no more"),
    Command("copy", USE, "flows.cli.copy", "copy an image to other regions, and verify that"),
    Command("check", LOOK_AFTER, "flows.cli.check", "what has changed since the newest image"),
    Command("diff", LOOK_AFTER, "flows.cli.diff", "what differs between two images, by cause"),
    Command("survey", LOOK_AFTER, "flows.cli.survey", "list what runs have in the account"),
    Command(
        "tear-down", LOOK_AFTER, "flows.cli.tear_down", "remove all that is temporary in a run"
    ),
    Command("sweep", LOOK_AFTER, "flows.cli.sweep", "list what has expired; --apply removes it"),
    Command("prune", LOOK_AFTER, "flows.cli.prune", "retire old images by a recipe's own policy"),
    Command("explain", RECORDS, "flows.cli.explain", "what you would have typed by hand, and why"),
    Command("history", RECORDS, "flows.cli.history", "what is recorded of runs; verify it"),
    Command("costs", RECORDS, "flows.cli.costs", "sum what runs cost, by run, person or award"),
    Command("report", RECORDS, "flows.cli.report", "report on an award, as pages and as PDF"),
    Command("completion", SHELL, "flows.cli.completion", "print the script for the Tab key"),
)
"""In the order in which the help lists commands and groups."""
RENAMED = {"runs": "notebake history list --open"}
"""Commands of earlier versions, and what is typed today."""


class CommandFile(Protocol):
    """What the file of a command defines; with `FIELDS` if it has JSON output."""

    EXAMPLE: str
    """Valid command lines, one per line."""

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Declare the arguments and options of the command."""

    def run(self, given: argparse.Namespace) -> int:
        """Carry out the command and return its exit code."""


def find_command(name: str) -> Command:
    """Return the command with this name."""
    (found,) = (command for command in COMMANDS if command.name == name)
    return found


def load_command(command: Command) -> CommandFile:
    """Import the file of a command."""
    return cast("CommandFile", import_module(command.module))
