"""Markers: what a host says has been done on it, and from what.

A marker holds the digest of what was asked for and one phrase for people. It is written last, by
rename, so that a half-done or an outdated step is not "done". It stays in the image: it is the
image's own account of how it was made.
"""

import re
from shlex import quote

from notebake.commands.shell import as_root

DIRECTORY = "/var/lib/notebake/steps"


def read_marker(step: str, digest: str, directory: str = DIRECTORY, *, installed: str = "") -> str:
    """Return the command that prints a step's marker, and succeeds if it holds this digest.

    The exit code alone proves nothing: parse the output with `parse_marker`. `installed` is a
    command that verifies the product itself; where it succeeds, no marker is needed.
    """
    marked = (
        f"{{ IFS= read -r digest && {{ IFS= read -r detail || true; }}; }}"
        f" < {_path(step, directory)} 2>/dev/null"
        f' && [ "$digest" = {quote(digest)} ] && printf \'%s\\n\' "$digest" "$detail"'
    )
    if not installed:
        return marked
    proven = f"{{ {installed}; }} > /dev/null && printf '%s\\n\\n' {quote(digest)}"
    return f"{{ {proven}; }} || {{ {marked}; }}"


def parse_marker(printed: str, digest: str) -> str | None:
    """Return what a step is known by; None unless its marker holds this digest and nothing else."""
    found, newline, detail = printed.partition("\n")
    if found != digest or not newline or detail.count("\n") != 1 or not detail.endswith("\n"):
        return None
    return detail.strip()


def write_marker(step: str, digest: str, detail: str = "", directory: str = DIRECTORY) -> str:
    """Write a step's marker; the last thing that a step does. For root and the login user alike."""
    path = _path(step, directory)
    new = quote(f"{directory}/.{step}.new")
    lines = f"{digest}\n{' '.join(detail.split())}\n"
    return as_root(
        f"mkdir --parents {quote(directory)}",
        f"printf %s {quote(lines)} > {new}",
        f"chmod 0644 {new}",
        f"sync {new}",
        f"mv --force --no-target-directory {new} {path}",
        f"sync {quote(directory)}",
    )


def remove_marker(step: str, directory: str = DIRECTORY) -> str:
    """Remove a step's marker, before what it stands for is taken apart."""
    return as_root(f"rm --force {_path(step, directory)}")


def _path(step: str, directory: str) -> str:
    """Return a marker's path, quoted; ValueError for a step that is no plain name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", step):
        raise ValueError(f"{step!r} cannot name a marker")
    return quote(f"{directory}/{step}")
