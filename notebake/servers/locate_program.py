"""Finds a server in AWS, starts it if that is wanted, lets this computer in, prints where it is.

    python -m notebake.servers.locate_program QUESTION

The question and the lines that it prints, one for each event, are JSON.
"""

import json
import logging
import os
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from notebake.aws import tags
from notebake.aws.identity import current_caller
from notebake.errors import NotebakeError
from notebake.servers.find import (
    NoSuchServerError,
    describe_server,
    find_own_server,
    find_server,
)
from notebake.servers.folders import Reached, credentials_of
from notebake.servers.locate import Question, ServerGoneError
from notebake.servers.names import owner_of
from notebake.servers.place import remember
from notebake.servers.reach import reach
from notebake.servers.server import Server
from notebake.ssh.host import Host


def find(question: Question) -> Reached:
    """Return where the server is, and whether it has JupyterLab; raises as `locate` does."""
    with ThreadPoolExecutor(1) as beside:
        owner = beside.submit(lambda: question.owner or _owner(question.region))
        try:
            server = _find_server(question, owner.result)
        except NoSuchServerError as error:
            gone = ServerGoneError(error.message, error.hint)
            raise gone.with_next(*error.next_commands) from error
        found = reach(
            server, owner.result(), own_key=question.own_key, may_start=question.may_start
        )
    server = _with_jupyter_port(server, found)
    reached = Reached(
        name=server.name,
        owner=server.owner,
        region=server.region,
        account=server.account,
        host=found,
        jupyter_port=server.jupyter_port,
        credentials=credentials_of(os.environ),
    )
    remember(reached)
    if question.mounts and tags.DISKS in server.tags:
        _mount(server, found, may_boot=question.may_start)
    return reached


def _with_jupyter_port(server: Server, host: Host) -> Server:
    """Return the server with the port of its JupyterLab; the client of ssh is imported to ask."""
    if server.jupyter_port:
        return server
    from notebake.servers.jupyter_port import with_jupyter_port

    return with_jupyter_port(server, host)


def _find_server(question: Question, owner: Callable[[], str]) -> Server:
    """Return the server that was found before, or its person's next one; else as its name says."""
    region = question.region
    if question.instance_id:
        server = describe_server(question.instance_id, region)
        if server and not server.is_gone:
            return server
        return find_own_server(question.name, question.server_owner, region)
    find_one = find_own_server if question.owner else find_server
    return find_one(question.name, owner(), region)


def _mount(server: Server, host: Host, *, may_boot: bool) -> None:
    """Mount the disks that its image knows nothing of; the server is of use without them, too."""
    from notebake.servers.line_events import USUAL_TIMING
    from notebake.servers.mounting import mount_disks

    try:
        mount_disks(server, host, booting=USUAL_TIMING if may_boot else None)
    except NotebakeError as error:
        log.warning("%s", error.message)


def _owner(region: str) -> str:
    """Return who owns what these credentials start."""
    return owner_of(current_caller(region))


def main() -> int:
    """Answer one question."""
    question = Question.model_validate_json(sys.argv[1])
    logging.basicConfig(level=logging.WARNING, handlers=[_Progress()])
    logging.getLogger("notebake").setLevel(logging.INFO)
    try:
        reached = find(question)
    except NotebakeError as error:
        _print("failed", _as_json(error))
        return 1
    _print("reached", reached.model_dump(mode="json"))
    return 0


log = logging.getLogger("notebake.servers.locate_program")


class _Progress(logging.Handler):
    """Passes on what happens as it happens."""

    def emit(self, record: logging.LogRecord) -> None:
        _print("progress", record.getMessage())


def _print(kind: str, content: object) -> None:
    try:
        sys.stdout.write(json.dumps([kind, content]) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os._exit(1)  # nobody waits for the answer any more


def _as_json(error: NotebakeError) -> dict[str, Any]:
    return {
        "kind": type(error).__name__,
        "message": error.message,
        "hint": error.hint,
        "next": [[list(command.words), command.purpose] for command in error.next_commands],
    }


if __name__ == "__main__":
    sys.exit(main())
