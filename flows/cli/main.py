"""The command `notebake`: it runs a command and reports its errors.

Only the commands that need Prefect and boto3 import them, so that help and errors in a recipe
appear at once.
"""

import argparse
import errno
import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn

from flows.cli.commands import find_command, load_command
from flows.cli.exit_codes import AWAITING, FAILED, INTERRUPTED
from flows.cli.parser import parse
from notebake.errors import NotebakeError, describe_next, next_commands_of

NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command, and return its exit code (flows/cli/exit_codes.py)."""
    if "_ARGCOMPLETE" in os.environ:
        from flows.cli.completion import offer_completions

        offer_completions()
    given = parse(sys.argv[1:] if arguments is None else arguments)
    try:
        code = run_command(given)
        check_output(given)
        return code
    except (KeyboardInterrupt, InterruptedError) as error:
        lines = [
            f"Interrupted. {notes_of(error)}",
            *describe_next(next_commands_of(error), given.store),
        ]
        sys.stderr.write("\n" + "\n".join(lines) + "\n")
        return INTERRUPTED
    except Exception as error:
        if given.debug:
            raise
        from flows.terminal.report import print_error

        known = error if isinstance(error, NotebakeError) else unexpected(error)
        print_error(known, store=given.store)
        return AWAITING if known.awaits_approval else FAILED


def run_command(given: argparse.Namespace) -> int:
    """Import what the command needs, and run it."""
    return load_command(find_command(given.command)).run(given)


def notes_of(error: BaseException) -> str:
    """Return the notes that were added to an error, such as what is left of the run."""
    return "\n".join(getattr(error, "__notes__", ()))


def unexpected(error: Exception) -> NotebakeError:
    """Return an unexpected error as one paragraph, with the option that shows its traceback."""
    if isinstance(error, OSError) and error.errno in NOT_WRITABLE:
        message = f"Something could not be written: {error}"
        hint = (
            "notebake writes its files to NOTEBAKE_HOME, its runs to NOTEBAKE_RUNS, and temporary"
            " files to TMPDIR: set them to writable directories with free space."
        )
    else:
        what = f"{type(error).__name__}: {error}"
        message = f"An unexpected error: {what}"
        hint = "To see the traceback, repeat the command with: notebake --debug"
    advice = "\n".join(filter(None, (hint, notes_of(error))))
    return NotebakeError(message, advice).with_next(*next_commands_of(error))


def check_output(given: argparse.Namespace) -> None:
    """Raise NotebakeError if a command whose only result is output could not write it.

    A command that does work succeeds by its work. A closed pipe is no error: its reader has ended.
    """
    from flows.terminal.standard_streams import failure_of_output

    if getattr(given, "does_work", False):
        return
    if failure := failure_of_output():
        raise NotebakeError(f"Standard output could not be written: {failure}")


def run_and_exit() -> NoReturn:
    """Run the command and end this process at once.

    Otherwise Prefect's threads wait for minutes, at exit, for a server that is gone by then.
    """
    from flows.local_prefect.prefect_environment import speed_up_imports
    from flows.terminal.standard_streams import outlive_the_terminal

    outlive_the_terminal()
    speed_up_imports()
    end_at_once(main())


def end_at_once(code: int) -> NoReturn:
    """End this process without waiting for its threads, even if its output cannot be flushed."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(code)


if __name__ == "__main__":
    run_and_exit()
