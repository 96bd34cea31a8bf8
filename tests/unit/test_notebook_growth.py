"""The time for a notebook's output grows linearly with its size."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from nbconvert.filters import ansi2html

from notebake.notebook.html import ansi_to_html, render_html
from notebake.notebook.judge import judge_notebook
from notebake.notebook.static_html import without_active_content
from notebake.notebook.verdict import ExecutionStatus
from notebake.recipe import Notebook

FEW, TIMES = 2000, 8
"""Eight times as much takes eight times as long where the cost is linear, 64 where it is not."""


def printing(text: str) -> str:
    return executed({"output_type": "stream", "name": "stdout", "text": text})


def showing(html: str) -> str:
    return executed({"output_type": "display_data", "metadata": {}, "data": {"text/html": html}})


def executed(output: dict[str, Any]) -> str:
    cell = {
        "cell_type": "code",
        "execution_count": 1,
        "id": "one",
        "metadata": {},
        "outputs": [output],
        "source": "show()",
    }
    return json.dumps({"cells": [cell], "metadata": {}, "nbformat": 4, "nbformat_minor": 5})


def measure(notebook: str) -> None:
    judge_notebook(notebook, Notebook(), ExecutionStatus(exit_code=0, seconds=1.0))


def make_page(notebook: str) -> None:
    render_html(notebook, "ocean")


def seconds_of(work: Callable[[str], object], text: str) -> float:
    """Return the least time of four that a processor spent on it."""
    spent = []
    for _ in range(4):
        began = time.thread_time()
        work(text)
        spent.append(time.thread_time() - began)
    return min(spent)


@pytest.mark.parametrize(
    ("work", "output"),
    [
        (measure, lambda count: showing("<img " * count)),
        (measure, lambda count: showing("<svg>" * count)),
        (measure, lambda count: showing("<svg><path/></svg><!-- " * count)),
        (measure, lambda count: showing("<script>docs_json<script/>" * count)),
        (measure, lambda count: showing("<iframe srcdoc='" * count)),
        (measure, lambda count: printing(" " * count)),
        (without_active_content, lambda count: "<script " * count),
        (without_active_content, lambda count: "<script>a" * count),
        (without_active_content, lambda count: "<input <button>\"'" * count),
        (make_page, lambda count: showing("<img <svg <video <style <" * count)),
        (make_page, lambda count: showing("_anim_img<script>frames[0] = " * count)),
        (make_page, lambda count: showing("<table>" + "<tr><td>1.5</td></tr>" * count)),
        (make_page, lambda count: printing("\x1b[31m1.5\x1b[0m and some more to copy\r" * count)),
    ],
    ids=[
        *("pictures", "drawings", "comments", "documents", "frames", "spaces"),
        *("tags", "scripts", "controls", "unclosed", "animations", "table", "colours"),
    ],
)
def test_the_time_grows_no_faster_than_the_output(
    work: Callable[[str], object], output: Callable[[int], str]
) -> None:
    nothing = seconds_of(work, output(0))
    few = seconds_of(work, output(FEW)) - nothing
    many = seconds_of(work, output(TIMES * FEW)) - nothing

    # Half way between linear and quadratic, as ratios go: caches that others use make work slower.
    assert many < 3 * TIMES * max(few, 0.005)


def test_colours_continue_across_chunks_of_a_long_text() -> None:
    text = "\x1b[1m\x1b[31m" + "warm\n" * 3000 + "\x1b[0m" + "plain\n" * 3000

    assert without_tags(ansi_to_html(text)) == without_tags(ansi2html(text))
    assert colours_of("warm", ansi_to_html(text)) == colours_of("warm", ansi2html(text))
    assert colours_of("plain", ansi_to_html(text)) == {""}


def without_tags(html: str) -> str:
    return re.sub(r"<[^>]*>", "", html)


def colours_of(word: str, html: str) -> set[str]:
    """Return the classes of all spans that hold a word, or "" where it stands in none."""
    parts = re.findall(r'(?:<span class="([^"]*)">)?([^<]+)', html)
    return {colour for colour, text in parts if word in text}
