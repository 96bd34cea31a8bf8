"""The command `completion`: print the completion script of a shell.

argcomplete completes commands, options, run ids and recipes; only this module imports it.
"""

import argparse
import os
import sys

from flows.cli.exit_codes import DONE

SHELLS = ("bash", "zsh", "fish")
EXAMPLE = """\
eval "$(notebake completion bash)"  # in ~/.bashrc
eval "$(notebake completion zsh)"   # in ~/.zshrc, after compinit
notebake completion fish | source   # in ~/.config/fish/config.fish"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    parser.add_argument("shell", choices=SHELLS, metavar="SHELL", help=", ".join(SHELLS))


def run(given: argparse.Namespace) -> int:
    """Print the script of a shell."""
    from argcomplete.shell_integration import shellcode

    # By default bash offers files if there is no completion.
    options = ["-o", "nospace"]
    sys.stdout.write(shellcode(["notebake"], shell=given.shell, complete_arguments=options))
    return DONE


def offer_completions() -> None:
    """Print the completions of the word under the cursor, and end this process."""
    from argcomplete.completers import SuppressCompleter
    from argcomplete.finders import CompletionFinder

    from flows.cli.parser import make_parser

    top, _ = make_parser(os.environ["COMP_LINE"].split())
    finder = CompletionFinder()
    finder(top, always_complete_options=False, default_completer=SuppressCompleter())
