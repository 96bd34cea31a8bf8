"""Recognizes lists that a program printed for people, or for conda alone, by their beginnings."""

import re

AS_ENVIRONMENT = (
    "take manager: conda, and write an environment.yml: conda env export --no-builds >"
    " environment.yml"
)
PROGRAMS = (
    (
        re.compile(r"^Package +Version.*\n-+ +-+", re.MULTILINE),
        "pip list",
        "write it anew: pip list --format=freeze > requirements.txt",
    ),
    (re.compile(r"^@EXPLICIT\s*$", re.MULTILINE), "conda list --explicit", AS_ENVIRONMENT),
    # The heading alone may be left above a list that somebody has tidied up.
    (
        re.compile(
            r"^# packages in environment at .+:(?:\n.*)*?\n[\w.-]+ +\d\S* +\S+", re.MULTILINE
        ),
        "conda list",
        AS_ENVIRONMENT,
    ),
    (
        re.compile(
            r"^# \$ conda create --name <env> --file(?:.*\n)*?[\w.-]+=[^=\s]+=\S+$", re.MULTILINE
        ),
        "conda list --export",
        AS_ENVIRONMENT,
    ),
)


def find_program_fault(text: str) -> str | None:
    """Return which program's output a text is, and what to write instead; None if of none."""
    for pattern, program, instead in PROGRAMS:
        if pattern.search(text):
            return f"is the output of `{program}`, which nothing installs; {instead}"
    return None
