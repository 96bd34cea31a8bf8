"""Questions to whoever is at the terminal, before money is spent or something is lost."""

import argparse
import sys

from notebake.errors import NotebakeError


def add_yes(parser: argparse.ArgumentParser) -> None:
    """Add the option that answers the question beforehand."""
    parser.add_argument("--yes", action="store_true", help="do it without asking")


def is_agreed(given: argparse.Namespace, question: str) -> bool:
    """Return whether the person agrees, with `--yes` or by typing `y`.

    Raises:
        NotebakeError: nobody can be asked, as standard input is no terminal.
    """
    if given.yes:
        return True
    if not sys.stdin.isatty():
        raise NotebakeError(
            "Nobody can be asked here, as standard input is no terminal.", "To agree, add: --yes"
        )
    sys.stdout.write(f"{question} [y/N] ")
    sys.stdout.flush()
    return sys.stdin.readline().strip().lower() in ("y", "yes")
