"""The command `open`: a server's JupyterLab in the browser, by a tunnel that outlives the line."""

import argparse
from typing import TYPE_CHECKING

from flows.cli.exit_codes import DONE
from flows.cli.server_options import add_server
from notebake.local.usual_region import usual_region

if TYPE_CHECKING:
    from notebake.servers.folders import Reached
    from notebake.servers.locate import Question, Search

EXAMPLE = """\
notebake open ocean
notebake open ocean --print"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments and options of the command."""
    add_server(parser)
    parser.add_argument(
        "--print",
        action="store_true",
        dest="prints",
        help="open no browser: print the URL, which holds the token, and the plain ssh command",
    )
    parser.add_argument(
        "--port",
        type=read_port,
        metavar="NUMBER",
        help="port on this computer; default: 7005 or the next free one, the same each time",
    )
    parser.add_argument(
        "--key", default="", metavar="FILE", help="private key; default: the server's own"
    )
    parser.set_defaults(does_work=True)


def run(given: argparse.Namespace) -> int:
    """Open the server until Ctrl-C; what runs on it goes on."""
    from notebake.servers.locate import Question, Search
    from notebake.servers.place import is_held_open, recall

    region = given.region or usual_region()
    question = Question(
        name=given.name,
        owner=given.owner,
        region=region,
        own_key=given.key,
        may_start=True,
        mounts=True,
    )
    reached = recall(given.name, owner=given.owner, region=region)
    if reached:
        question = question.about(reached)
    # It takes a second: meanwhile the rest is imported, and the remembered address dialled.
    search = None if reached and is_held_open(reached) else Search(question)
    try:
        return open_found(given, question, reached, search)
    finally:
        if search:
            search.end()


def open_found(
    given: argparse.Namespace,
    question: "Question",
    reached: "Reached | None",
    search: "Search | None",
) -> int:
    """Open the server where it was reached before, or where the search finds it."""
    from flows.terminal.open_session import hold_open, page_answers, show_running_one
    from notebake.servers.locate import Search

    if reached and not given.prints and show_running_one(reached, given.port):
        if not page_answers(reached):  # it may be stopped, and is started then
            (search or Search(question)).answer(show_progress)
        return DONE
    search = search or Search(question)
    try:
        is_fresh = reached is None or reached.jupyter_port is None or bool(given.key)
        if reached is None or is_fresh:
            reached = search.answer(show_progress)
        if reached.jupyter_port is None:
            show_ssh_only(reached)
            return DONE
        hold_open(
            question, reached, search, is_fresh=is_fresh, port=given.port, prints=given.prints
        )
    finally:
        search.end()
    return DONE


def show_progress(text: str) -> None:
    """Print a line about the way to the server."""
    from flows.terminal.console import open_console

    open_console(stderr=True).print(text, markup=False, soft_wrap=True)


def show_ssh_only(reached: "Reached") -> None:
    """Say how to log in to a server from an image without our JupyterLab."""
    from flows.terminal.console import open_console
    from notebake.servers.login_page import ssh_command
    from notebake.servers.ssh_config import known_hosts_path

    known_hosts = known_hosts_path(reached)
    command = ssh_command(reached.host, known_hosts, port=None, jupyter_port=None)
    lines = (f"The image of {reached.name} has no JupyterLab of notebake's. Log in by:", command)
    for line in lines:
        open_console().print(line, markup=False, soft_wrap=True)


def read_port(text: str) -> int:
    """Return the port in an option."""
    if text.isdigit() and 1024 <= int(text) < 2**16:
        return int(text)
    raise argparse.ArgumentTypeError(f"{text} is no port: 1024 to 65535")
