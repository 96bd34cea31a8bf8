"""Removes volatile text from a notebook's output: durations, addresses, process ids, memory.

Only text that is unmistakably volatile is removed: a number with a unit of time is a result unless
the words beside it are about computing time.
"""

import ast
import re
from typing import NamedTuple

_NUMBER = r"[-+]?\d[\d.,]*(?:[eE][-+]?\d+)?"
_TIME_UNIT = (
    r"(?:ns|[uµμm]?s|msecs?|secs?|seconds?|milliseconds?|microseconds?|min|mins|minutes?|h|hrs?"
    r"|hours?)\b"
)
_DURATION = rf"(?:\d+m ?\d+(?:\.\d+)?s\b|(?:\d+:)?\d+:\d\d(?:\.\d+)?|{_NUMBER} *{_TIME_UNIT})"
_BYTES = r"(?:[kKMGT]i?B|bytes|B)\b"
_COMPUTING = (
    r"elapsed|took|run-? ?time|wall-? ?(?:clock|time)|cpu[- _]time|time (?:taken|spent|used)"
    r"|(?:execution|computation|computing|training|fit(?:ting)?|processing|inference|loading|total"
    r" run)[- _]time|(?:finished|completed?|done|executed|ran|trained|loaded|solved|computed"
    r"|processed|fitted|created|built|compiled|generated|simulated) in"
)
_TIMED = (
    r"time (?:taken|spent|elapsed)|elapsed time"
    r"|(?:execution|computation|computing|training|processing) time"
)
_MEMORY = r"memory|mem|rss|uss|pss|vms|ram|swap|heap|peak|increment"


class Rule(NamedTuple):
    """A pattern for volatile text, searched for only in texts that contain one of its words."""

    words: tuple[str, ...]
    """In lower case; every text that the pattern can match contains one of them."""
    pattern: re.Pattern[str]


def _rule(words: str, *patterns: str) -> Rule:
    return Rule(tuple(words.split("|")), re.compile("|".join(patterns), re.MULTILINE))


RULES = (
    # Whole lines of IPython's %time, %timeit and %memit (IPython/core/magics/execution.py, 9.x;
    # before: "1000 loops, best of 3: 1 ms per loop"; memory_profiler).
    _rule(
        "cpu times|wall time|compiler|parser|slowest run|peak memory|timer unit",
        r"^[ \t]*(?:CPU times: |Wall time: |Compiler(?: time)? *: |Parser *: |The slowest run took "
        r"|peak memory: |Timer unit: )[^\n]*",
    ),
    _rule("per loop", r"^[^\n]*\bper loop\b[^\n]*"),
    # Memory and IP addresses, ports, host names of EC2, process ids, temporary files.
    _rule("0x", r"\b0x[0-9a-fA-F]+\b"),
    _rule("-4|-1|-7", r"\b[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\b"),
    _rule("://|127.|10.|172.|192.", r"\b(?:\d{1,3}\.){3}\d{1,3}\b(?::\d+)?"),
    _rule("ip-", r"\bip(?:-\d{1,3}){4}\b"),
    _rule("localhost|://|0.0.0.0", r"(?:\blocalhost|://[\w.-]{1,253}|\b0\.0\.0\.0):\d{2,5}\b"),
    _rule("port", r"(?i:\bport)\b[^\w\n]{0,3}\d{2,5}\b"),
    _rule("pid|process|thread", r"(?i:\b(?:pid|process id|thread id))\b[^\w\n]{0,3}\d+\b"),
    _rule(
        "tmp/|/dev/shm|/proc|/run",
        r"(?<![\w.-])[\w.-]{0,99}(?:/[\w.-]{1,99}){0,12}/(?:tmp|dev/shm|proc|run)/[^\s'\"<>)]*",
    ),
    # Progress bars of tqdm, pip, Keras and Rich.
    _rule("%", r"\d+%\|[^|\n]{0,400}\|[^\n\[]{0,80}(?:\[[^\]\n]{0,80}\])?"),
    _rule("<", r"\[\d+:\d\d(?::\d\d)?<[^\]\n]{0,80}\]"),
    _rule(
        "/step|/epoch|/sample|/batch|/it|/task",
        rf"\b{_NUMBER} *m?s \d+[mun]?s/(?:step|epoch|sample|batch)\b",
        rf"\b{_NUMBER} *[mun]?s/(?:it|step|epoch|sample|batch|iteration|iter|task)\b",
    ),
    _rule("s - |s\n", rf"(?<=\] )- {_NUMBER}s(?= - |$)"),
    _rule(
        "/s",
        rf"\b{_NUMBER} *(?:it|{_BYTES}|steps?|samples?|epochs?|tokens?|batch(?:es)?|tasks?)/s\b",
    ),
    _rule("eta", r"\beta:? \d+:\d\d(?::\d\d)?"),
    # Durations.
    _rule(
        "elapsed|took|time|wall| in ",
        rf"(?i:\b(?:{_COMPUTING}))\b[^\d\n]{{0,24}}?{_DURATION}(?:,? {_NUMBER} *{_TIME_UNIT})*",
        rf"(?i:\b(?:{_COMPUTING}))(?:[ _]?(?:time|seconds|s|ms|\(\w+\)))? *[:=] *{_NUMBER}",
    ),
    _rule("elapsed", rf"{_DURATION}(?= (?:have )?elapsed\b)"),
    _rule("time ", rf"(?i:\b(?:{_TIMED})) +\d+\.\d\d+\b"),
    _rule("elapsed time", rf"(?i:\belapsed time \(ns\)): *{_NUMBER}"),
    _rule("--", rf"^-+ *{_DURATION} *-+$"),
    _rule("(t=", rf"\(t={_NUMBER} *s\)"),
    _rule("total time=", rf"\btotal time= *{_NUMBER} *{_TIME_UNIT}"),
    # Only a timedelta has no zero before its hours, or days before them.
    _rule(":", r"(?<![\d:.])(?:\d+ days? \d\d|\d):\d\d:\d\d\.\d{6}(?:\d{3})?(?!\d)"),
    # The shell's `time`; R's system.time(), and a difference of clocks; Julia's @time, @btime and
    # @benchmark (BenchmarkTools/src/trials.jl).
    _rule("real|user|sys", r"^(?:real|user|sys)\t\d+m\d+[.,]\d+s$"),
    _rule("elapsed", r"(?<=system elapsed \n)(?: +\d+\.\d+){3} *$"),
    _rule("time difference", r"^Time difference of \d+\.\d{3,} (?:secs|mins|hours)$"),
    _rule("allocation", rf"^ *{_NUMBER} *{_TIME_UNIT} \([^)\n]*\ballocations?:[^\n]*"),
    _rule("seconds", r"^ +\d+\.\d{6} seconds$"),
    _rule("(m", r"^ *(?:Range|Time) +\((?:min … max|median|mean . .)\):[^\n]*"),
    # The time of execution in statsmodels' summary (iolib/summary.py).
    _rule("time:", r"(?<=\bTime:)[ ]+\d\d:\d\d:\d\d\b"),
    _rule("date:", r"(?<=\bDate:)[ ]+[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4}\b"),
    # Memory.
    _rule(
        _MEMORY,
        rf"(?i:\b(?:{_MEMORY}))\b[^\d\n]{{0,24}}?{_NUMBER}\+? *{_BYTES}",
        rf"(?i:\b(?:memory|mem|ram))\b[^\d\n]{{0,24}}?{_NUMBER} *%",
        rf"\b{_NUMBER} *{_BYTES}(?= (?:of )?(?i:memory|ram|rss)\b)",
        r"\bs(?:v|swap)mem\([^)\n]{0,400}\)|\bpmem\([^)\n]{0,400}\)",
    ),
)
PYTHON_SET = re.compile(r"\{[^{}:]{1,20000}\}")
R_INDEX = re.compile(r"^\s*\[\d+,?\]", re.MULTILINE)
"""R prints it before the first value of a line (print.default)."""


def without_volatile_text(text: str) -> str:
    """Return an output with a blank instead of each volatile text, line for line."""
    lowered = text.lower()
    for rule in RULES:
        if any(word in lowered for word in rule.words):
            text = rule.pattern.sub(" ", text)
    return text


def sort_sets(text: str) -> str:
    """Return a text in which the members of each Python set are sorted.

    Each process prints a set of strings in another order.
    """
    return PYTHON_SET.sub(_sorted_set, text) if "{" in text else text


def _sorted_set(found: re.Match[str]) -> str:
    """Return a set with sorted members, line for line."""
    try:
        members = ast.literal_eval(found[0])
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return found[0]
    if not isinstance(members, set):
        return found[0]
    return f"{{{', '.join(sorted(map(repr, members)))}}}" + "\n" * found[0].count("\n")
