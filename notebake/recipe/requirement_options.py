"""Parses the options in a requirements file as pip does.

pip/_internal/req/req_file.py (26.1): SUPPORTED_OPTIONS, SUPPORTED_OPTIONS_REQ, break_args_options.
"""

import re
import shlex
from dataclasses import dataclass
from optparse import SUPPRESS_HELP, OptionParser
from typing import NoReturn

LISTS = {
    "constraints": ("-c", "--constraint"),
    "requirements": ("-r", "--requirement", "--requirements"),
    "editables": ("-e", "--editable"),
    "find_links": ("-f", "--find-links"),
    "extra_index_urls": ("--extra-index-url",),
    "trusted_hosts": ("--trusted-host",),
    "features": ("--use-feature",),
    "no_binary": ("--no-binary",),
    "only_binary": ("--only-binary",),
    "index_urls": ("-i", "--index-url", "--pypi-url"),
}
FLAGS = {
    "no_index": ("--no-index",),
    "prefer_binary": ("--prefer-binary",),
    "require_hashes": ("--require-hashes",),
    "pre": ("--pre",),
}
OF_A_REQUIREMENT = {
    "hashes": ("--hash",),
    "settings": ("-C", "--config-settings", "--config-setting"),
    "global_options": ("--global-option",),
    "install_options": ("--install-option",),
}
IN_FULL = {name: next(word for word in words if word.startswith("--"))
           for name, words in (LISTS | FLAGS | OF_A_REQUIREMENT).items()}  # fmt: skip


class OptionError(Exception):
    """A line contains an option that pip does not know."""


class LineParser(OptionParser):
    """optparse, which pip uses, but with an exception for an error instead of an exit."""

    def error(self, msg: str) -> NoReturn:
        raise OptionError(msg)


def line_parser() -> LineParser:
    """Return a parser for the options of one line."""
    parser = LineParser(add_help_option=False, usage=SUPPRESS_HELP)
    for name, words in (LISTS | OF_A_REQUIREMENT).items():
        parser.add_option(*words, dest=name, action="append")
    for name, words in FLAGS.items():
        parser.add_option(*words, dest=name, action="store_true", default=False)
    return parser


PARSER = line_parser()
EDITABLE = re.compile(r"(?:-e|--editable)(?:\s*=\s*|\s*)(?P<value>\S.*)")
"""It may be followed only by a condition, which may contain quotes."""


@dataclass(frozen=True)
class ReadLine:
    """One logical line: the requirement before the options, and their values by name."""

    requirement: str
    options: dict[str, list[str]]

    @property
    def of_the_file(self) -> list[tuple[str, str]]:
        """The options for the whole file, each with its value or ""."""
        return [
            (name, value)
            for name, values in self.options.items()
            if name not in OF_A_REQUIREMENT and name != "editables"
            for value in values
        ]


def read_line(line: str) -> ReadLine:
    """Parse a logical line; OptionError if pip could not parse it."""
    if editable := EDITABLE.fullmatch(line):
        value = re.sub(r"^(['\"])(.*)\1$", r"\2", editable["value"])
        return ReadLine("", {"editables": [value]})
    tokens = line.split(" ")
    first = next((at for at, token in enumerate(tokens) if token.startswith("-")), len(tokens))
    try:
        words = shlex.split(" ".join(tokens[first:]))
    except ValueError as error:
        raise OptionError(str(error)) from None
    values, more = PARSER.parse_args(words)
    if more:
        raise OptionError("unexpected text after the options")
    chosen = {name: getattr(values, name) for name in IN_FULL if getattr(values, name)}
    options = {name: [""] if value is True else list(value) for name, value in chosen.items()}
    return ReadLine(" ".join(tokens[:first]).strip(), options)
