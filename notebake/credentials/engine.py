"""The engine as a process that reads text from a pipe and reports the credentials in it.

It runs from memory, so that it also works where every file system is mounted noexec. Its arguments
disable allow markers in the text and requests that would verify credentials; it reads no file but
our configuration. Anything but a complete output about its whole input is an error.
"""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple


class EngineError(Exception):
    """The engine did not give a complete output."""


class Match(NamedTuple):
    """A credential that the engine found, and its place in the input."""

    rule: str
    line: int
    column: int
    value: str


def parse_output(output: bytes, input_bytes: int) -> list[Match]:
    """Return the matches of a complete output.

    Raises:
        EngineError: the output is incomplete, or does not cover the whole input.
    """
    try:
        records: list[dict[str, Any]] = [json.loads(line) for line in output.splitlines()]
        summary = records.pop()["scan"]
        matches = list(_matches(records))
        is_complete = summary["state"] == "complete" and summary["num_findings"] == len(matches)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise EngineError("the engine's output is incomplete") from error
    if not is_complete:
        raise EngineError("the engine did not complete its scan")
    if summary["bytes_scanned"] != input_bytes:
        raise EngineError(f"the engine read {summary['bytes_scanned']} of {input_bytes} bytes")
    return matches


def _matches(records: list[dict[str, Any]]) -> Iterator[Match]:
    for record in records:
        finding = record["finding"]
        location = finding["location"]
        line, column = int(location["start_line"]), int(location["start_column"])
        yield Match(str(finding["rule_id"]), line, column, str(finding["match"]["value"]))


CONFIGURATION = Path(__file__).with_name("engine.toml")
FOUND_EXIT_CODE = 10
MEMORY_LIMIT = "512MiB"
"""Soft limit above which the Go runtime collects garbage all the time (GOMEMLIMIT)."""
END_TIMEOUT_SECONDS = 3600
"""How long the engine may run after the end of its input."""
EXIT_TIMEOUT_SECONDS = 1
"""How long a process that has closed its pipe may take to exit."""


class Engine:
    """A running engine; any process may write to `pipe`."""

    def __init__(self, path: Path, *, processes: int) -> None:
        program, configuration = _in_memory(read_program(path)), _in_memory(read_configuration())
        self._output, self._log = os.memfd_create("output"), os.memfd_create("log")
        try:
            self._process = subprocess.Popen(
                [f"/proc/self/fd/{program}", *_arguments(f"/proc/self/fd/{configuration}")],
                stdin=subprocess.PIPE,
                stdout=self._output,
                stderr=self._log,
                pass_fds=(program, configuration),
                env={
                    "PATH": "/usr/bin:/bin",
                    "HOME": "/nonexistent",
                    "GOGC": "400",
                    "GOMEMLIMIT": MEMORY_LIMIT,
                    "GOMAXPROCS": str(processes),
                },
                cwd="/",
            )
        finally:
            os.close(program)
            os.close(configuration)
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self.pipe = self._process.stdin.fileno()

    def finish(self, input_bytes: int) -> list[Match]:
        """Close the input and return all matches.

        Raises:
            EngineError: it was killed, failed, took too long, or read less than `input_bytes`.
        """
        assert self._process.stdin  # noqa: S101 - it is a pipe
        self._process.stdin.close()
        try:
            code = self._process.wait(END_TIMEOUT_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise EngineError(f"the engine did not end within {END_TIMEOUT_SECONDS} s") from error
        self._check_exit_code(code)
        return parse_output(_content(self._output), input_bytes)

    def check_alive(self) -> None:
        """Raise EngineError if the engine has ended before the end of its input."""
        with suppress(subprocess.TimeoutExpired):
            self._check_exit_code(self._process.wait(EXIT_TIMEOUT_SECONDS))
            raise EngineError("the engine ended before the end of its input")

    def _check_exit_code(self, code: int) -> None:
        if code not in (0, FOUND_EXIT_CODE):
            log = _content(self._log)[-500:].decode(errors="replace").strip()
            raise EngineError(f"the engine ended with exit code {code}: {log}")

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        if self._process.stdin and not self._process.stdin.closed:
            self._process.stdin.close()
        os.close(self._output)
        os.close(self._log)


def _arguments(configuration: str) -> list[str]:
    return [
        "stdin", "--config", configuration, "--no-banner", "--no-color", "--log-level", "error",
        "--jsonl", "--confidence", "low", "--no-allow-signatures", "--regex-engine", "stdlib",
        "--exit-code", str(FOUND_EXIT_CODE),
    ]  # fmt: skip


def read_configuration() -> bytes:
    """Return the engine's configuration, also from inside the archive that runs on a host."""
    loader = globals().get("__loader__")
    return bytes(loader.get_data(str(CONFIGURATION))) if loader else CONFIGURATION.read_bytes()


def read_program(path: Path) -> bytes:
    """Return the engine's program; EngineError if it is missing."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise EngineError(f"no engine at {path}: {error.strerror}") from error


def _in_memory(content: bytes) -> int:
    """Return a read-only descriptor; a file that is open for writing cannot be executed."""
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
