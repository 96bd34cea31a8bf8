"""What stands in a notebook's output and is no result: how long it took, where, in which process.

Left out is only what says itself that it is such: a number with a unit of time is a result unless
the words beside it speak of a computation's time.
"""

import ast
import re

from notebake.notebook_clock import Span, without_own_moments

# What IPython's %time, %timeit and %memit print (IPython/core/magics/execution.py, 9.x; older ones
# "1000 loops, best of 3: 1 ms per loop"; memory_profiler).
TIMING_LINE = re.compile(
    r"\s*(?:CPU times: |Wall time: |Compiler(?: time)?\s*: |Parser\s*: |The slowest run took "
    r"|peak memory: |Timer unit: )|[^\n]*\bper loop\b"
)
_NUMBER = r"[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?"
_TIME_UNIT = (
    r"(?:ns|[uµμm]?s|msecs?|secs?|seconds?|milliseconds?|microseconds?|min|mins|minutes?|h|hrs?"
    r"|hours?)\b"
)
_DURATION = rf"(?:(?:\d+:)?\d+:\d\d(?:\.\d+)?|{_NUMBER}\s*{_TIME_UNIT})"
_BYTES = r"(?:[kKMGT]i?B|bytes|B)\b"
_COMPUTING = (
    r"elapsed|took|run-?\s?time|wall-?\s?(?:clock|time)|cpu[- _]time|time (?:taken|spent|used)"
    r"|(?:execution|computation|computing|training|fit(?:ting)?|processing|inference|loading|total"
    r" run)[- _]time|(?:finished|completed|done|executed|ran|trained|loaded|solved|computed) in"
)
CIRCUMSTANCES = re.compile(
    "|".join(
        (
            r"\b0x[0-9a-fA-F]+\b",
            r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b",
            # Where: addresses with their ports, host names of EC2, files that are temporary.
            r"\b(?:\d{1,3}\.){3}\d{1,3}\b(?::\d+)?",
            r"\bip(?:-\d{1,3}){4}\b",
            r"(?:\blocalhost|://[\w.-]{1,253}|\b0\.0\.0\.0):\d{2,5}\b",
            r"(?i:\bport)\b[^\w\n]{0,3}\d{2,5}\b",
            r"(?i:\b(?:pid|process id|thread id))\b[^\w\n]{0,3}\d+\b",
            r"(?<![\w/])/(?:tmp|var/tmp|dev/shm|proc|run)/[^\s'\"<>)]*",
            # How far and how fast: bars of tqdm, pip, Keras and Rich.
            r"\d+%\|[^|\n]{0,400}\|[^\n\[]{0,80}(?:\[[^\]\n]{0,80}\])?",
            r"\[\d+:\d\d(?::\d\d)?<[^\]\n]{0,80}\]",
            rf"\b{_NUMBER}\s*m?s \d+[mun]?s/(?:step|epoch|sample|batch)\b",
            rf"- {_NUMBER}s(?= - |$)",
            rf"\b{_NUMBER}\s*(?:it|{_BYTES}|steps?|samples?|epochs?|tokens?|batch(?:es)?|tasks?)/s\b",
            rf"\b{_NUMBER}\s*[mun]?s/(?:it|step|epoch|sample|batch|iteration|iter|task)\b",
            r"\beta:? \d+:\d\d(?::\d\d)?",
            # How long.
            rf"(?i:\b(?:{_COMPUTING}))\b[^\d\n]{{0,24}}?{_DURATION}"
            rf"(?:,? {_NUMBER}\s*{_TIME_UNIT})*",
            rf"(?i:\b(?:{_COMPUTING}))(?:[ _]?(?:time|seconds|s|ms|\(\w+\)))?\s*[:=]\s*{_NUMBER}",
            rf"{_DURATION}(?= (?:have )?elapsed\b)",
            # statsmodels' summary (iolib/summary.py) has its own clock.
            r"(?<=\bTime:)\s+\d\d:\d\d:\d\d\b",
            r"(?<=\bDate:)\s+[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4}\b",
            # How much memory.
            rf"(?i:\b(?:memory|mem|rss|uss|pss|vms|ram|swap|heap|peak|increment))\b[^\d\n]{{0,24}}?"
            rf"{_NUMBER}\+?\s*{_BYTES}",
            rf"(?i:\b(?:memory|mem|ram))\b[^\d\n]{{0,24}}?{_NUMBER}\s*%",
            rf"\b{_NUMBER}\s*{_BYTES}(?= (?:of )?(?i:memory|ram|rss)\b)",
            r"\bs(?:v|swap)mem\([^)\n]{0,400}\)|\bpmem\([^)\n]{0,400}\)",
        )
    )
)
A_SET = re.compile(r"\{[^{}:]{1,20000}\}")
INDEX_OF_R = re.compile(r"^\s*\[\d+,?\]", re.MULTILINE)
"""What R puts before the first value of a line (print.default)."""


def without_circumstances(line: str, span: Span | None) -> str:
    """Return one line of output with a blank in the place of each circumstance.

    `span` is from the start of the notebook to the end of the cell; without it no date is known to
    be the run's own.
    """
    if TIMING_LINE.match(line):
        return ""
    line = CIRCUMSTANCES.sub(" ", line)
    return without_own_moments(line, span) if span else line


def in_one_order(text: str) -> str:
    """Return a text in which the members of each set of Python stand in one order.

    A set of texts is written in another order by each process.
    """
    return A_SET.sub(_sorted_set, text) if "{" in text else text


def _sorted_set(found: re.Match[str]) -> str:
    """Return a set with its members sorted, on as many lines as it had."""
    try:
        members = ast.literal_eval(found[0])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return found[0]
    if not isinstance(members, set):
        return found[0]
    return f"{{{', '.join(sorted(map(repr, members)))}}}" + "\n" * found[0].count("\n")
