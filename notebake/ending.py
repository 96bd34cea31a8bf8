"""What matters at the end of what a program has printed: its last words, or the whole of its error.

uv and our own programs begin what went wrong with `error:`, older ones of uv with a cross, and may
quote hundreds of lines of a package's own build within it, behind `[stdout]` and `[stderr]`
(uv 0.13, as tried).
"""

import re
from collections.abc import Iterator, Sequence

LAST_LINES = 20
LONGEST_LINES = 70
QUOTED_LINES = 6
BEGINS = re.compile(r"error: |  \N{MULTIPLICATION SIGN} ")
QUOTE = re.compile(r"(?P<indent>\s*)\[std(?:out|err)\]\s*$")


def end_that_matters(printed: str) -> str:
    """Return the error that a program told in the end, else the last lines that it printed."""
    lines = printed.strip().splitlines()
    begins = [number for number, line in enumerate(lines) if BEGINS.match(line)]
    if not begins:
        return "\n".join(lines[-LAST_LINES:])
    kept = list(_without_long_quotes(lines[begins[-1] :]))
    if len(kept) > LONGEST_LINES:
        half = LONGEST_LINES // 2
        left_out = f"… {len(kept) - 2 * half} lines …"
        kept = [*kept[:half], left_out, *kept[-half:]]
    return "\n".join(kept)


def _without_long_quotes(lines: Sequence[str]) -> Iterator[str]:
    """Yield the lines, of what is quoted within them only the last of each."""
    quoted: list[str] = []
    indent: str | None = None
    for line in lines:
        is_within = indent is not None and (line.startswith(indent) or not line.strip())
        if is_within and not QUOTE.match(line):
            quoted.append(line)
            continue
        yield from _end_of(quoted)
        quoted = []
        found = QUOTE.match(line)
        indent = found["indent"] if found else None
        yield line
    yield from _end_of(quoted)


def _end_of(quoted: Sequence[str]) -> Iterator[str]:
    """Yield the end of what was quoted."""
    if len(quoted) > QUOTED_LINES:
        yield f"{_indent(quoted[0])}… {len(quoted) - QUOTED_LINES} lines …"
    yield from quoted[-QUOTED_LINES:]


def _indent(line: str) -> str:
    """Return the blanks with which a line begins."""
    return line[: len(line) - len(line.lstrip())]
