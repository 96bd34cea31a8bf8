"""Asks another process where a server is (notebake/servers/locate_program.py).

The client of EC2 takes more memory than a tunnel that is open all day may hold, and its imports
take half a second, which would delay the line.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

from notebake.errors import NextCommand, NotebakeError
from notebake.record import Record
from notebake.servers.folders import Reached

PROGRAM = "notebake.servers.locate_program"


class Question(Record):
    """What is asked."""

    name: str
    owner: str = ""
    """"": the owner of the credentials."""
    region: str
    instance_id: str = ""
    """The server that was found before; "": by its name alone."""
    server_owner: str = ""
    """Whose that is: nobody else's takes its place if it is gone."""
    own_key: str = ""
    may_start: bool = False
    mounts: bool = False
    """Whether disks that its image knows nothing of are mounted before the answer."""

    def about(self, found: Reached) -> "Question":
        """Return the same question about the server that was found, and no other person's."""
        changes = {"instance_id": found.host.instance_id, "server_owner": found.owner}
        return self.model_copy(update=changes)


class ServerStoppedError(NotebakeError):
    """The server is stopped, and nobody asked for its start."""


class ServerGoneError(NotebakeError):
    """There is no such server (any more)."""


class Search:
    """A search in another process, begun before its answer is waited for. Thread-safe."""

    def __init__(self, question: Question) -> None:
        self.is_answered = False
        self._lock = threading.Lock()
        self._outcome: Reached | NotebakeError | None = None
        self._process = subprocess.Popen(
            [sys.executable, "-m", PROGRAM, question.model_dump_json()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            start_new_session=True,  # Ctrl-C is for `open` alone
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )

    def answer(self, report: Callable[[str], None]) -> Reached:
        """Return the answer, the same one each time; raises as `locate` does."""
        with self._lock:
            if self._outcome is None:
                self._outcome = self._read(report)
                self.is_answered = True
                self.end()
        if isinstance(self._outcome, NotebakeError):
            raise self._outcome
        return self._outcome

    def end(self) -> None:
        """End the search, whether it has an answer or not. May be repeated."""
        with self._process:
            self._process.kill()

    def _read(self, report: Callable[[str], None]) -> Reached | NotebakeError:
        """Report the progress until there is an answer, and return that."""
        for line in self._process.stdout or ():
            kind, content = json.loads(line)
            if kind == "progress":
                report(content)
            elif kind == "reached":
                return Reached.model_validate(content)
            else:
                return _error_from(content)
        return NotebakeError("The search for the server ended without an answer.", "Try again.")


def locate(question: Question, report: Callable[[str], None]) -> Reached:
    """Return where the server is, from another process. May take minutes if it has to start.

    Raises:
        ServerGoneError: there is none of this name.
        ServerStoppedError: it is stopped, and was not to be started.
        NotebakeError: EC2 refused, or its key is missing.
    """
    search = Search(question)
    try:
        return search.answer(report)
    finally:
        search.end()


KINDS: dict[str, type[NotebakeError]] = {
    kind.__name__: kind for kind in (ServerStoppedError, ServerGoneError)
}


def _error_from(content: dict[str, Any]) -> NotebakeError:
    kind = KINDS.get(content["kind"], NotebakeError)
    commands = [NextCommand(tuple(words), purpose) for words, purpose in content["next"]]
    return kind(content["message"], content["hint"]).with_next(*commands)
