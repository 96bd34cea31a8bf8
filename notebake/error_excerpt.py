"""The part of a failed program's output that explains the failure.

uv and our own programs start an error message with `error:`, older versions of uv with a cross.
Inside the message uv may quote hundreds of lines of a package's build, behind `[stdout]` and
`[stderr]` (seen with uv 0.13).
"""

import re
from collections.abc import Iterator, Sequence

LAST_LINES = 20
MAX_LINES = 70
MAX_QUOTED_LINES = 6
ERROR_START = re.compile(r"error: |  \N{MULTIPLICATION SIGN} ")
QUOTE_START = re.compile(r"(?P<indent>\s*)\[std(?:out|err)\]\s*$")


def error_excerpt(output: str) -> str:
    """Return the last error message in the output, or the last lines if there is no such message.

    Long messages and long quotes inside them are shortened.
    """
    lines = output.strip().splitlines()
    starts = [number for number, line in enumerate(lines) if ERROR_START.match(line)]
    if not starts:
        return "\n".join(lines[-LAST_LINES:])
    kept = list(_shorten_quotes(lines[starts[-1] :]))
    if len(kept) > MAX_LINES:
        half = MAX_LINES // 2
        left_out = f"… {len(kept) - 2 * half} lines …"
        kept = [*kept[:half], left_out, *kept[-half:]]
    return "\n".join(kept)


def _shorten_quotes(lines: Sequence[str]) -> Iterator[str]:
    quote: list[str] = []
    indent: str | None = None
    for line in lines:
        is_within = indent is not None and (line.startswith(indent) or not line.strip())
        if is_within and not QUOTE_START.match(line):
            quote.append(line)
            continue
        yield from _last_lines(quote)
        quote = []
        found = QUOTE_START.match(line)
        indent = found["indent"] if found else None
        yield line
    yield from _last_lines(quote)


def _last_lines(quote: Sequence[str]) -> Iterator[str]:
    """Yield the last lines of a quote, after a line that counts what is left out."""
    if len(quote) > MAX_QUOTED_LINES:
        first = quote[0]
        indent = first[: len(first) - len(first.lstrip())]
        yield f"{indent}… {len(quote) - MAX_QUOTED_LINES} lines …"
    yield from quote[-MAX_QUOTED_LINES:]
