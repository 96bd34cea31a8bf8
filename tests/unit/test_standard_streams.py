"""Whole programs whose output cannot be written: the work continues and the log is complete."""

import os
import pty
import resource
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[2]
LINES = 400
CODE = 7
# Ten threads log at once, as steps do; each line has a character that ASCII does not have.
WORK = """
import logging, sys, warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from flows.terminal.standard_streams import outlive_the_terminal
from flows.cli.main import end_at_once

outlive_the_terminal()
from flows.terminal.report import print_error, print_report
from flows.terminal.live_view import show_progress
from notebake.acceptance.outcome import BuildOutcome
from notebake.aws.model import Image
from notebake.errors import NotebakeError
from notebake.recipe import Recipe
from notebake.runbook.step import Done
from notebake.runs.run import Run
from notebake.runbook.step import Step, carry_out

log = logging.getLogger("notebake.test")
run = Run(id="ocean-1", recipe=Recipe(name="ocean"), store="nowhere")

def make(number):
    def made(_run):
        for line in range(LINES // 10):
            log.warning("line %d of %d: 21 °C ✓", line, number)
        sys.stderr.write("said by others\\n")
        warnings.warn("as others do")
        return Done(digest="d")
    return made

steps = [Step(f"step-{n}", f"Step {n}", lambda _: None, make(n)) for n in range(10)]
with show_progress("ocean-1", [(step.name, step.title) for step in steps], Path(sys.argv[1])):
    sys.stdin.readline()
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda step: carry_out(step, run), steps))
image = Image(id="ami-1", name="n", state="available")
nothing = {"proof": None, "notebook_path": None, "html_path": None, "left_behind": ()}
print_report(run, BuildOutcome(image=image, is_accepted=True, **nothing), [], 0)
print_error(NotebakeError("It failed ✗", "Type: nothing"))
end_at_once(CODE)
""".replace("LINES", str(LINES)).replace("CODE", str(CODE))


def work(log_path: Path, **options: Any) -> subprocess.Popen[bytes]:
    """Start the work; it begins when it is told to, on its standard input."""
    options.setdefault("env", os.environ.copy())
    return subprocess.Popen(
        [sys.executable, "-c", WORK, str(log_path)], cwd=ROOT, stdin=subprocess.PIPE, **options
    )


def let_work(process: subprocess.Popen[bytes]) -> int:
    """Let it begin, and return how it ended."""
    assert process.stdin
    process.stdin.write(b"go\n")
    process.stdin.close()
    return process.wait(timeout=HANG_SECONDS)


def is_whole(log_path: Path) -> bool:
    text = log_path.read_text()
    return sum("21 °C ✓" in line and "WARNING" in line for line in text.splitlines()) == LINES


def test_output_to_a_closed_pipe(tmp_path: Path) -> None:
    process = work(tmp_path / "log", stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    process.stderr.close()

    assert let_work(process) == CODE
    assert is_whole(tmp_path / "log")
    assert "Not all of the output could be written: [Errno 32]" in (tmp_path / "log").read_text()


def test_output_to_head(tmp_path: Path) -> None:
    """As a shell does it, with pipefail."""
    command = f'{sys.executable} -c "$WORK" {tmp_path}/log <<< go | head --lines=1'
    done = subprocess.run(
        ["bash", "-c", f"set -o pipefail; {command}"],
        cwd=ROOT,
        env={**os.environ, "WORK": WORK},
        capture_output=True,
        text=True,
        check=False,
        timeout=HANG_SECONDS,
    )

    assert done.returncode == CODE
    assert len(done.stdout.splitlines()) == 1
    assert is_whole(tmp_path / "log")


def test_output_to_a_full_disk(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        assert let_work(work(tmp_path / "log", stdout=full, stderr=full)) == CODE
    assert is_whole(tmp_path / "log")


def test_output_to_a_pipe_that_is_not_read(tmp_path: Path) -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    while True:
        try:
            os.write(theirs, b"x" * 4096)
        except BlockingIOError:
            break
    os.set_blocking(theirs, True)

    code = let_work(work(tmp_path / "log", stdout=theirs, stderr=theirs))

    os.close(ours)
    os.close(theirs)
    assert code == CODE
    assert is_whole(tmp_path / "log")


@pytest.mark.parametrize("closed", ["1", "2", "1 and 2", "0, 1 and 2"])
def test_streams_closed_at_the_start(closed: str, tmp_path: Path) -> None:
    redirections = " ".join(f"{descriptor}>&-" for descriptor in "012" if descriptor in closed)
    program = WORK.replace("    sys.stdin.readline()\n", "")
    done = subprocess.run(
        ["bash", "-c", f'exec "$0" -c "$1" "$2" {redirections}', sys.executable, program,
         str(tmp_path / "log")],
        cwd=ROOT,
        capture_output=True,
        check=False,
        timeout=HANG_SECONDS,
    )  # fmt: skip

    assert done.returncode == CODE
    assert is_whole(tmp_path / "log")
    assert b"Traceback" not in done.stderr


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_output_in_an_encoding_without_the_characters(encoding: str, tmp_path: Path) -> None:
    process = work(
        tmp_path / "log",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env={**os.environ, "PYTHONIOENCODING": encoding},
    )
    printed, _ = process.communicate(b"go\n", timeout=HANG_SECONDS)

    text = printed.decode(encoding)
    assert process.returncode == CODE
    assert text.count("line ") == LINES
    assert is_whole(tmp_path / "log")


@pytest.mark.parametrize("sends_hangup", [True, False])
def test_output_to_a_closed_terminal(sends_hangup: bool, tmp_path: Path) -> None:
    """With SIGHUP where it is the process's own, and with EIO in any case."""
    ours, theirs = pty.openpty()

    def take_terminal() -> None:
        os.setsid()
        if sends_hangup:
            os.close(os.open(os.ttyname(1), os.O_RDWR))  # who leads a session gets it so

    process = work(
        tmp_path / "log", stdout=theirs, stderr=theirs, preexec_fn=take_terminal,
        env={**os.environ, "TERM": "xterm"},
    )  # fmt: skip
    os.close(theirs)
    begun = b""
    while b"ocean-1" not in begun:
        begun += os.read(ours, 4096)
    os.close(ours)

    assert let_work(process) == CODE
    assert is_whole(tmp_path / "log")


def test_a_hangup_kills_a_process_without_our_protection() -> None:
    """What the above would look like without it: the hangup is real."""

    def take_terminal() -> None:
        os.setsid()
        os.close(os.open(os.ttyname(1), os.O_RDWR))

    ours, theirs = pty.openpty()
    process = subprocess.Popen(["sleep", "600"], stdout=theirs, preexec_fn=take_terminal)  # noqa: PLW1509
    os.close(theirs)
    os.close(ours)

    assert process.wait(timeout=HANG_SECONDS) == -signal.SIGHUP


def test_a_log_on_a_full_disk_is_reported_once(tmp_path: Path) -> None:
    def limit_files() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))

    process = work(
        tmp_path / "log", stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=limit_files
    )
    assert process.stdin
    printed, errors = process.communicate(b"go\n", timeout=HANG_SECONDS)

    assert process.returncode == CODE
    assert printed.decode().count("cannot be written: File too large") == 1
    assert printed.decode().count("21 °C") == LINES
    assert b"Logging error" not in errors
