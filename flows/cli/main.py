"""The command `notebake`.

It stands among the flows because it starts them; Prefect and boto3 are imported only by the
commands that need them, so that help and a wrong recipe are answered at once.
"""

import argparse
import errno
import os
import re
import shlex
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from notebake.errors import NotebakeError

DESCRIPTION = "A runbook that runs: from a blank cloud machine to a tested Jupyter image."

NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)
WORKING = ("build", "resume", "tear-down")
"""The commands that execute a run."""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    top = argparse.ArgumentParser(prog="notebake", description=DESCRIPTION)
    top.add_argument("--debug", action="store_true", help="show tracebacks")
    top.add_argument(
        "--store",
        default="",
        help="run store, a directory or s3://BUCKET/PREFIX; default: $NOTEBAKE_RUNS or"
        " runs in $NOTEBAKE_HOME or ~/.notebake",
    )
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")

    one = commands.add_parser("init", help="write a first recipe, to begin with")
    one.add_argument("path", nargs="?", default="recipe.yaml", help="where; default: recipe.yaml")

    one = commands.add_parser("build", help="bake the image of a recipe, and prove it")
    one.add_argument("recipe", help="a recipe, such as deployments/ocean.yaml")

    one = commands.add_parser("resume", help="go on with a run, from where it was")
    one.add_argument("run", help="run id")
    one.add_argument("--recipe", default="", help="mended recipe; default: the run's own file")
    one.add_argument("--from", dest="from_step", default="", metavar="STEP", help="redo from here")
    add_account(one)

    one = commands.add_parser("runs", help="list the runs of a run store")
    one.add_argument("--all", action="store_true", help="also the old ones")

    one = commands.add_parser("survey", help="list what runs have in the account, by looking")
    one.add_argument("run", nargs="?", default="", help="run id; default: all runs")
    add_regions(one)

    one = commands.add_parser("tear-down", help="remove all that is temporary in a run")
    one.add_argument("run", help="run id")
    one.add_argument(
        "--without-store",
        action="store_true",
        help="for a run that the store does not have: remove what is proven to be its own",
    )
    add_account(one)
    add_regions(one)

    one = commands.add_parser(
        "sweep", help="remove what any run left and has expired; dry at first"
    )
    one.add_argument("--apply", action="store_true", help="remove; without it nothing is")
    one.add_argument(
        "--expired-since",
        type=float,
        default=0.0,
        metavar="HOURS",
        help="only what has been expired for so long",
    )
    add_regions(one)

    one = commands.add_parser("images", help="list the images that were made, accepted or not")
    one.add_argument("--region", default="", help="AWS region; default: the usual one")

    one = commands.add_parser("plan", help="check a recipe and estimate its cost; make nothing")
    one.add_argument("recipe", help="a recipe")
    return top


def add_account(one: argparse.ArgumentParser) -> None:
    """Let a person say to which account a run belongs that has not kept it."""
    one.add_argument(
        "--account", default="", metavar="ID", help="of a run that does not say: its AWS account"
    )


def add_regions(one: argparse.ArgumentParser) -> None:
    """Let a command look into several regions."""
    one.add_argument(
        "--region", action="append", help="AWS region, may be repeated; default: the usual one"
    )
    one.add_argument("--all-regions", action="store_true", help="all regions of the account")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it did what was asked, 1 when not, 130 when interrupted."""
    given = parser().parse_args(arguments)
    try:
        code = run_command(given)
        check_output(given)
        return code
    except NotebakeError as error:
        if given.debug:
            raise
        from flows.terminal.report import print_error

        print_error(with_store(error, given.store))
        return 1
    except (KeyboardInterrupt, InterruptedError) as error:
        sys.stderr.write(f"\nInterrupted. {with_store_in(notes_of(error), given.store)}\n")
        return 130
    except Exception as error:
        if given.debug:
            raise
        from flows.terminal.report import print_error

        print_error(with_store(unexpected(error), given.store))
        return 1


def with_store(error: NotebakeError, store: str) -> NotebakeError:
    """Return the error with commands in its hint that work as they are typed."""
    error.hint = with_store_in(error.hint, store)
    return error


def with_store_in(text: str, store: str) -> str:
    """Return a text with commands in it that work as they are typed."""
    if not store:
        return text
    option = f"notebake --store {shlex.quote(store)} "
    return re.sub(r"notebake (?=resume |tear-down |survey |sweep )", lambda _: option, text)


def notes_of(error: BaseException) -> str:
    """Return what an error was told on its way, such as what is left of the run."""
    return "\n".join(getattr(error, "__notes__", ()))


def unexpected(error: Exception) -> NotebakeError:
    """Return what nobody foresaw as one paragraph, with how to see more of it."""
    if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
        return NotebakeError(
            f"Something could not be written: {error}",
            "What notebake keeps goes where NOTEBAKE_HOME says, runs where NOTEBAKE_RUNS does, and"
            " files on their way where TMPDIR does: name directories of yours that have room.",
        )
    return NotebakeError(
        f"Something went wrong that notebake did not foresee: {type(error).__name__}: {error}",
        "\n".join(
            filter(
                None,
                ("For the traceback type the same again with: notebake --debug", notes_of(error)),
            )
        ),
    )


def run_command(given: argparse.Namespace) -> int:
    """Import what the command needs, and run it."""
    if given.command in WORKING:
        from flows.cli import build as commands

        return commands.run(given)
    if given.command == "init":
        from flows.cli import init

        return init.run(given)
    if given.command == "sweep":
        from flows.cli import sweep

        return sweep.run(given)
    if given.command == "runs":
        from flows.cli import runs

        return runs.run(given)
    from flows.cli import survey

    return survey.run(given)


def check_output(given: argparse.Namespace) -> None:
    """Raise NotebakeError where a command that only tells something could not tell it.

    What a command does is its own success; and who closes a pipe has read what he wanted.
    """
    from flows.terminal.standard_streams import failure_of_output

    if given.command in WORKING or getattr(given, "apply", False):
        return
    if failure := failure_of_output():
        raise NotebakeError(f"Standard output could not be written: {failure}")


def run_and_exit() -> NoReturn:
    """Run the command that was typed, and end this process at once.

    Prefect's threads would wait at exit, for minutes, for a server that is gone by then.
    """
    from flows.local_prefect.quick_imports import speed_up_imports
    from flows.terminal.standard_streams import outlive_the_terminal

    outlive_the_terminal()
    speed_up_imports()
    end_at_once(main())


def end_at_once(code: int) -> NoReturn:
    """End this process without waiting for its threads, whatever becomes of its last words."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run_and_exit()
