"""The engine as a process that is fed text and says where in it credentials are.

It runs from memory: no file of it is written, wherever programs may not be executed. It is told to
heed no allow markers, to ask nobody whether a credential is valid, and reads no other file than the
configuration that it is given. Whatever is not a whole answer about all that it was given is an
error, and no answer.
"""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

from notebake.credentials.engine_output import EngineError, Match, parse_output

CONFIGURATION = Path(__file__).with_name("engine.toml")
FOUND = 10
"""How the engine ends that has found something."""
MEMORY = "512MiB"
"""Above this the engine's runtime collects its garbage all the time (GOMEMLIMIT)."""
ENDING_SECONDS = 3600
"""How long the engine may go on after it was given all; the pipe to it holds no more than 64 kB."""

ALIVE_SECONDS = 1
"""So long a process that has closed its pipe may take to be gone."""


class Engine:
    """A running engine; `pipe` takes what is to be searched, in pieces by whatever process."""

    def __init__(self, path: Path, *, processes: int) -> None:
        program, configuration = _in_memory(read_program(path)), _in_memory(read_configuration())
        self._answer, self._log = os.memfd_create("answer"), os.memfd_create("log")
        try:
            self._process = subprocess.Popen(
                [f"/proc/self/fd/{program}", *_words(f"/proc/self/fd/{configuration}")],
                stdin=subprocess.PIPE,
                stdout=self._answer,
                stderr=self._log,
                pass_fds=(program, configuration),
                env={
                    "PATH": "/usr/bin:/bin",
                    "HOME": "/nonexistent",
                    "GOGC": "400",
                    "GOMEMLIMIT": MEMORY,
                    "GOMAXPROCS": str(processes),
                },
                cwd="/",
            )
        finally:
            os.close(program)
            os.close(configuration)
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self.pipe = self._process.stdin.fileno()

    def finish(self, given_bytes: int) -> list[Match]:
        """Return all matches once nobody gives it any more.

        Raises:
            EngineError: it was killed, failed, took too long, or saw less than it was given.
        """
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self._process.stdin.close()
        try:
            code = self._process.wait(ENDING_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"the engine did not end within {ENDING_SECONDS} s") from error
        self._check(code)
        return parse_output(_content(self._answer), given_bytes)

    def check_alive(self) -> None:
        """Raise what has become of it, where it no longer takes anything.

        Raises:
            EngineError: it has ended.
        """
        with suppress(subprocess.TimeoutExpired):
            self._check(self._process.wait(ALIVE_SECONDS))
            raise EngineError("the engine ended before it was given all")

    def _check(self, code: int) -> None:
        if code not in (0, FOUND):
            told = _content(self._log)[-500:].decode(errors="replace").strip()
            raise EngineError(f"the engine ended with {code}: {told}")

    def close(self) -> None:
        """End it, however far it is."""
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        os.close(self._answer)
        os.close(self._log)


def _words(configuration: str) -> list[str]:
    return [
        "stdin", "--config", configuration, "--no-banner", "--no-color", "--log-level", "error",
        "--jsonl", "--confidence", "low", "--no-allow-signatures", "--regex-engine", "stdlib",
        "--exit-code", str(FOUND),
    ]  # fmt: skip


def read_configuration() -> bytes:
    """Return what the engine is to look for, also where this package lies in an archive."""
    loader = globals().get("__loader__")
    return bytes(loader.get_data(str(CONFIGURATION))) if loader else CONFIGURATION.read_bytes()


def read_program(path: Path) -> bytes:
    """Return the engine's program.

    Raises:
        EngineError: it is not there.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(f"no engine at {path}: {error.strerror}") from error


def _in_memory(content: bytes) -> int:
    """Return a descriptor for reading; what is open for writing cannot be executed."""
    written = os.memfd_create("notebake")
    try:
        with open(written, "wb", closefd=False) as stream:
            stream.write(content)
        return os.open(f"/proc/self/fd/{written}", os.O_RDONLY | os.O_CLOEXEC)
    finally:
        os.close(written)


def _content(descriptor: int) -> bytes:
    with open(descriptor, "rb", closefd=False) as stream:
        stream.seek(0)
        return stream.read()
