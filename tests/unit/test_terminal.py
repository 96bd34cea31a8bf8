import io
import logging
import os
import pty
import signal
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from rich.console import Console

from flows.terminal.live_view import show_progress
from flows.terminal.report import print_error, print_report
from notebake.acceptance.evidence import Proof
from notebake.acceptance.outcome import BuildOutcome
from notebake.aws.model import Image, Resource
from notebake.errors import HostCommandError, NotebakeError
from notebake.humanize import clean_text, format_seconds
from notebake.recipe import Recipe
from notebake.record import Record
from notebake.runbook.progress import State, StepProgress
from notebake.runbook.step import Done, Step, carry_out
from notebake.runs.run import Run
from tests.limits import HANG_SECONDS

log = logging.getLogger("notebake.test")
IMAGE = Image(id="ami-1", name="ocean", state="available")
RUN = Run(id="ocean-1", recipe=Recipe(name="ocean"), store="nowhere")
TITLES = [("launch", "Launch the builder"), ("mount", "Mount"), ("fetch", "Fetch the data")]


def step(name: str, title: str, make: Callable[[Run], Record]) -> Step:
    return Step(name, title, lambda _run: None, make)


def launch(_run: Run) -> Record:
    log.info("Requesting one m6i.large")
    log.debug("token 123")
    log.info("Get:4 libxml2", extra={"remote": True})
    return Done(digest="d", detail="i-0123")


def refuse(_run: Run) -> Record:
    raise NotebakeError("The disk has a signature.\nIt is ext4.", hint="Name another disk.")


def play_through() -> None:
    log.info("Resuming")
    carry_out(step("launch", "Launch the builder", launch), RUN)
    carry_out(Step("fetch", "Fetch the data", lambda _run: Done(digest="d"), refuse), RUN)
    with pytest.raises(NotebakeError):
        carry_out(step("mount", "Mount", refuse), RUN)


def live_console(width: int = 80, height: int = 30) -> Console:
    return Console(
        file=io.StringIO(), force_terminal=True, width=width, height=height, legacy_windows=False
    )


def written_to(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def last_frame(console: Console) -> list[str]:
    """What the view left on the terminal when it ended."""
    frames = clean_text(written_to(console)).split(" ocean-1")
    return [line.rstrip() for line in frames[-1].splitlines()[1:] if line.strip()]


def test_a_pipe_gets_plain_lines_without_remote_ones(capsys: pytest.CaptureFixture[str]) -> None:
    with show_progress("ocean-1", TITLES):
        play_through()
    written = capsys.readouterr().out
    assert "\x1b" not in written
    assert "\r" not in written
    assert [line.split("s  ", 1)[1] for line in written.splitlines()] == [
        "Resuming",
        "Launch the builder",
        "Launch the builder: Requesting one m6i.large",
        "Launch the builder: done in 0.0 s, i-0123",
        "Fetch the data: already there, d",
        "Mount",
        "Mount: failed after 0.0 s, The disk has a signature.",
    ]


def test_a_wait_is_not_repeated_in_a_pipe(capsys: pytest.CaptureFixture[str]) -> None:
    def wait(_run: Run) -> Record:
        for percent in range(100):
            log.info("Waiting: %d %%", percent, extra={"event": "waiting"})
        return Done(digest="d")

    with show_progress("ocean-1", TITLES):
        carry_out(step("launch", "Launch the builder", wait), RUN)
    assert capsys.readouterr().out.count("Waiting") == 1


def test_the_log_file_gets_everything_privately_and_safe_to_show(tmp_path: Path) -> None:
    path = tmp_path / "run" / "log.txt"
    with show_progress("ocean-1", TITLES, path, console=live_console()):
        play_through()
        log.info("\x1b]0;title\x07red \x1b[31mline", extra={"remote": True})
    written = path.read_text()
    for expected in ("DEBUG   launch token 123", "Get:4 libxml2", "It is ext4", "red line"):
        assert expected in written
    assert "\x1b" not in written
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_view_ends_with_each_step_as_it_stands() -> None:
    console = live_console()
    with show_progress("ocean-1", TITLES, console=console):
        play_through()
    assert last_frame(console) == [
        "   ✓ Launch the builder  i-0123                                           0.0 s",
        "   ✗ Mount               The disk has a signature.                        0.0 s",
        "   ✓ Fetch the data      d                                        already there",
    ]


def test_no_line_of_the_view_is_wider_than_the_terminal() -> None:
    console = live_console(width=30)
    with show_progress("ocean-1", TITLES, console=console):
        play_through()
    assert len(last_frame(console)) == 3
    assert max(map(len, last_frame(console))) <= 30


def test_a_short_terminal_shows_running_steps_and_counts_the_rest() -> None:
    titles = [(f"step-{number}", f"Step {number}") for number in range(20)]
    console = live_console(height=12)
    shown: list[str] = []

    def look(_run: Run) -> Record:
        before = len(written_to(console))
        console.print()
        shown.append(clean_text(written_to(console)[before:]))
        return Done(digest="d")

    with show_progress("ocean-1", titles, console=console):
        for number in range(9):
            make = look if number == 8 else launch
            carry_out(step(f"step-{number}", f"Step {number}", make), RUN)
    assert len(shown) == 1
    assert "8 steps done" in shown[0]
    assert "Step 8" in shown[0]
    assert "steps to come" in shown[0]
    assert len(shown[0].strip().splitlines()) <= 12


def test_a_warning_stays_above_the_view() -> None:
    def find_room(_run: Run) -> Record:
        log.warning("No room in us-west-2a")
        return Done(digest="d")

    console = live_console()
    with show_progress("ocean-1", TITLES, console=console):
        carry_out(step("launch", "Launch the builder", find_room), RUN)
    lines = [line for line in written_to(console).splitlines() if "No room in us-west-2a" in line]
    assert any("Launch the builder" not in line for line in lines)


def test_logging_is_restored_afterwards() -> None:
    logger = logging.getLogger("notebake")
    before = (logger.level, logger.propagate, list(logger.handlers))
    with pytest.raises(NotebakeError), show_progress("ocean-1", TITLES, console=live_console()):
        refuse(RUN)
    assert (logger.level, logger.propagate, logger.handlers) == before


def test_an_interrupt_restores_the_cursor() -> None:
    script = (
        "import signal, time\n"
        "from flows.terminal.live_view import show_progress\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with show_progress('ocean-1', [('a', 'Step a')]):\n"
        "    time.sleep(600)\n"
    )
    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "24"}
    child = subprocess.Popen(
        [sys.executable, "-c", script], stdout=theirs, stderr=subprocess.DEVNULL, env=environment
    )
    try:
        os.close(theirs)
        written = os.read(ours, 4096)
        while b"Step a" not in written:
            written += os.read(ours, 4096)
        assert b"\x1b[?25l" in written, "the view hides the cursor"
        child.send_signal(signal.SIGINT)
        written += read_to_end(ours)
        assert child.wait(timeout=HANG_SECONDS) != 0
        assert written.rindex(b"\x1b[?25h") > written.rindex(b"\x1b[?25l")
        assert written.endswith(b"\x1b[?25h")
    finally:
        child.kill()
        child.wait()
        os.close(ours)


def read_to_end(descriptor: int) -> bytes:
    """Read a pseudo terminal until its other end is closed, which Linux tells by EIO."""
    content = b""
    try:
        while piece := os.read(descriptor, 4096):
            content += piece
    except OSError:
        pass
    return content


def test_the_report_says_what_was_proven_and_what_is_left() -> None:
    html_path = "/home/ada/.notebake/runs/ocean-1/a-long-directory-name/notebook.html"
    outcome = BuildOutcome(
        image=IMAGE,
        is_accepted=True,
        proof=Proof(image_id="ami-1", sentences=("Two machines booted.",)),
        notebook_path=None,
        html_path=html_path,
        left_behind=(Resource(kind="instance", id="i-1"),),
        record_anchor=f"127:{'ab' * 32}",
        held_back=("xarray 2026.11, 3 days old (2026-11-26)",),
    )
    steps = [
        StepProgress("bake", "Bake", state=State.DONE, seconds=731),
        StepProgress("test", "Test", state=State.FOUND),
    ]
    console = Console(file=io.StringIO(), width=60)
    print_report(RUN, outcome, steps, 732, console)
    written = written_to(console)
    assert "What the cooldown held back\n     xarray 2026.11, 3 days old (2026-11-26)" in written
    expected = ("ami-1 is accepted", "Two machines", "12 min 11 s", "already there", "i-1")
    for text in expected:
        assert text in written
    for text in (html_path, f"127:{'ab' * 32}"):
        assert text in written, "what is copied is never broken"


def test_the_report_of_an_image_that_is_not_accepted_leaves_nothing_out() -> None:
    outcome = BuildOutcome(
        image=IMAGE,
        is_accepted=False,
        proof=None,
        notebook_path=None,
        html_path=None,
        left_behind=(),
    )
    console = Console(file=io.StringIO(), width=60)
    print_report(RUN, outcome, [], 0, console)
    assert "NOT accepted" in written_to(console)
    assert "nothing was found" in written_to(console)


def test_an_error_is_a_wrapped_paragraph_with_a_hint() -> None:
    console = Console(file=io.StringIO(), width=40)
    print_error(HostCommandError("host", "apt-get", 100, "\x1b[2JE: no package [red]"), console)
    print_error(NotebakeError("It failed " * 9, hint="Resume the run."), console)
    written = written_to(console)
    assert "\x1b" not in written
    assert "E: no package [red]" in written, "what a host prints is no markup"
    assert "→ Resume the run." in written
    assert max(map(len, written.splitlines())) <= 40


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x1b(Bplain\x1bc", "plain"),
        ("a\x9b31mb\x07\x00", "a31mb"),
        ("abc\u202edef", "abcdef"),
        ("first\nsecond", "first\nsecond"),
    ],
)
def test_control_codes_printed_by_a_host_are_removed(text: str, expected: str) -> None:
    assert clean_text(text) == expected


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [(0, "0.0 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.6, "1 min 00 s"), (3661, "1 h 01 min")],
)
def test_durations_are_formatted_for_people(seconds: float, expected: str) -> None:
    assert format_seconds(seconds) == expected
