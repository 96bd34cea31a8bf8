"""Output is coloured only on a terminal that supports it, and unless the user opts out."""

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from tests.limits import HANG_SECONDS

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "flows.cli.main", "resume", "ocean-nobody-knows"]
STYLES = re.compile(r"\x1b\[([0-9;]*)m")
COLOURS = re.compile(r"(3|4|9|10)[0-7]|[34]8")


def environment(home: Path, **more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH",)}
    return kept | {"HOME": str(home), "PYTHONPATH": str(ROOT), "TERM": "xterm-256color"} | more


def shown_on_a_terminal(variables: dict[str, str]) -> str:
    """Return what the command writes where its standard error is a terminal."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(COMMAND, cwd=ROOT, env=variables, stdout=theirs, stderr=theirs) as done:
        os.close(theirs)
        shown = b""
        with suppress(OSError):  # as Linux reports the end of a terminal
            while piece := os.read(ours, 4096):
                shown += piece
        assert done.wait(HANG_SECONDS) == 1
    os.close(ours)
    assert b"There is no run ocean-nobody-knows" in shown
    return shown.decode()


def colours(text: str) -> list[str]:
    """Return the codes in a text that set a colour."""
    codes = [code for style in STYLES.findall(text) for code in style.split(";")]
    return [code for code in codes if COLOURS.fullmatch(code)]


def test_output_to_a_terminal_is_coloured(tmp_path: Path) -> None:
    assert colours(shown_on_a_terminal(environment(tmp_path))) != []


@pytest.mark.parametrize("variables", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_no_color_and_dumb_terminals_turn_colours_off(
    variables: dict[str, str], tmp_path: Path
) -> None:
    shown = shown_on_a_terminal(environment(tmp_path, **variables))

    assert colours(shown) == []
    assert "TERM" not in variables or "\x1b" not in shown


def test_output_to_a_pipe_has_no_colours_or_control_codes(tmp_path: Path) -> None:
    done = subprocess.run(
        COMMAND,
        cwd=ROOT,
        env=environment(tmp_path),
        capture_output=True,
        check=False,
        timeout=HANG_SECONDS,
    )

    assert b"There is no run ocean-nobody-knows" in done.stderr
    assert b"\x1b" not in done.stdout + done.stderr
