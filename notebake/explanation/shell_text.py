"""Calls as lines for a POSIX shell, none wider than it must be.

Structures are written in the short form of the AWS command line, `Key=Value,Key=Value`, in which
blanks and new lines may follow a comma (awscli 1.45, shorthand.py).
"""

import json
import re
from collections.abc import Iterator
from shlex import quote
from typing import Any

from notebake.aws.command_line import Option, TypedCall

WIDTH = 72
"""Columns that a line may have; it is printed with an indent."""
INDENT = "    "
PLAIN = re.compile(r"[A-Za-z0-9_./@+-][A-Za-z0-9_.:/@+-]*")
"""What needs no quotes within the short form."""
MAY_BREAK = "\0"
"""Stands where a line may end, until it is known whether it has to."""


def call_text(call: TypedCall) -> str:
    """Return a call as it is typed, an option a line.

    Tags that several things get in one call are typed once, as a variable of the shell.
    """
    first = f"aws {call.service} {call.operation}"
    before = [text for option in call.options for text in _variables(option)]
    # An empty list is no option: it asks for nothing.
    options = [_option_text(option) for option in call.options if option.value not in ([], {})]
    one_line = " ".join((first, *options))
    if len(one_line) > WIDTH or "\n" in one_line:
        one_line = f" \\\n{INDENT}".join((first, *options))
    return "\n".join((*before, one_line))


def _option_text(option: Option) -> str:
    name, value = option
    if value is None:
        return name
    if name == "--tag-specifications":
        words = [f'"ResourceType={each["ResourceType"]},$tags"' for each in value]
    elif isinstance(value, dict):
        words = [_word(short_form(value))]
    elif isinstance(value, str):
        words = [_word(value)]
    else:
        words = [_word(each if isinstance(each, str) else short_form(each)) for each in value]
    line = " ".join((name, *words))
    if len(line) + len(INDENT) + 2 <= WIDTH and "\n" not in line:
        return line
    return f" \\\n{INDENT * 2}".join((name, *words))


def _word(text: str, before: int = len(INDENT) * 2, indent: str = INDENT * 2) -> str:
    """Return a word of the shell, on several lines if it is long and may be broken.

    Its first line has so many columns `before` it; the others begin with the indent.
    """
    lines, line = [""], ""
    for part in text.split(MAY_BREAK):
        if line and before + len(line) + len(part) > WIDTH - 4:
            lines.append("")
            before, line = 0, f"{indent}  "
        line += part
        lines[-1] = line
    return quote("\n".join(lines))


def _variables(option: Option) -> Iterator[str]:
    """Yield the line that names the tags of a call."""
    if option.name == "--tag-specifications":
        for tags in {json.dumps(each["Tags"]): each["Tags"] for each in option.value}.values():
            yield f"tags={_word(short_form({'Tags': tags}), len('tags='), '  ')}"


def short_form(value: Any, *, is_inside: bool = False) -> str:
    """Return a structure in the short form, with `MAY_BREAK` wherever a line may end."""
    if isinstance(value, dict):
        pairs = (f"{key}={short_form(each, is_inside=True)}" for key, each in value.items())
        # A pair of key and value stays together.
        joined = ("," if value.keys() == {"Key", "Value"} else f",{MAY_BREAK}").join(pairs)
        return f"{{{joined}}}" if is_inside else joined
    if isinstance(value, list):
        parts = (short_form(each, is_inside=True) for each in value)
        return "[" + MAY_BREAK + f",{MAY_BREAK}".join(parts) + "]"
    text = json.dumps(value) if isinstance(value, (bool, int)) else str(value)
    if PLAIN.fullmatch(text):
        return text
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
