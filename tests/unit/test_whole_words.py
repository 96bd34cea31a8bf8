"""Sentences fit a terminal of 80 columns, broken between words; what is copied stays whole."""

import io

import pytest
from rich.console import Console

from flows.terminal.open_view import KEYS
from flows.terminal.plain_lines import break_between_words, print_whole_words
from flows.terminal.report import print_error
from notebake.errors import NotebakeError

WIDTH = 80
URL = f"http://127.0.0.1:7005/lab?token={'0' * 64}"
COMMAND = f"Type: chmod 600 {'/a folder' * 12}"


def new_console(*, is_terminal: bool) -> tuple[io.StringIO, Console]:
    file = io.StringIO()
    return file, Console(file=file, width=WIDTH, force_terminal=is_terminal, color_system=None)


def printed(*lines: str, terminal: bool) -> list[str]:
    file, console = new_console(is_terminal=terminal)
    print_whole_words(console, lines)
    return file.getvalue().splitlines()


@pytest.mark.parametrize(
    ("line", "margin"),
    [
        ("It stops after 60 minutes without use, " * 3, 0),
        (f"  {'stops after 60 minutes without use, ' * 3}", 2),
        (f"Image    ami-08a872e7a2cb510fe {'of a recipe ' * 9}", 9),
        (f"  Stops     {'a sentence ' * 20}", 12),
    ],
)
def test_what_does_not_fit_goes_on_below_its_label(line: str, margin: int) -> None:
    first, *rest = printed(line.rstrip(), terminal=True)
    assert rest
    assert all(len(each) <= WIDTH for each in (first, *rest))
    assert all(each[:margin].isspace() or not margin for each in rest)
    assert all(not each[margin].isspace() for each in rest)
    assert " ".join([first, *(each[margin:] for each in rest)]) == line.rstrip()


def test_a_word_that_is_copied_stays_whole() -> None:
    assert URL in printed(f"Open: {URL}", terminal=True)
    assert URL in "".join(printed(f"Open it in the browser: {URL}", terminal=True))


def test_a_pipe_gets_each_line_as_it_is() -> None:
    line = "It stops after 60 minutes without use, " * 3
    assert printed(line, terminal=False) == [line]


@pytest.mark.parametrize("width", [0, 12, 10_000])
def test_where_nothing_can_be_gained_a_line_stays(width: int) -> None:
    line = f"Image    {'of a recipe ' * 9}"
    assert break_between_words(line, width) == [line]


def test_advice_is_broken_between_words_and_a_command_in_it_is_not() -> None:
    advice = "A public image is named by its id, and a name may have a star. " * 2
    file, console = new_console(is_terminal=True)
    print_error(NotebakeError("No.", f"{advice.strip()}\n{COMMAND}"), console)
    lines = file.getvalue().splitlines()
    assert any(COMMAND in line for line in lines)
    sentences = [line for line in lines if COMMAND not in line]
    assert len([line for line in sentences if line.strip()]) == 3
    assert all(len(line) <= WIDTH for line in sentences)


def test_the_keys_below_an_open_server_fit() -> None:
    assert len(f"  {KEYS}") < WIDTH
