"""Markers: what a host says has been done on it, and from what.

A marker holds the digest of what was asked for and one phrase for people. It is written last, by
rename, so that a half-done or an outdated step is not "done". It stays in the image: it is the
image's own account of how it was made.
"""

import re
from shlex import quote

from notebake.commands.shell import as_root

DIRECTORY = "/var/lib/notebake/steps"


def read_mark(step: str, digest: str, directory: str = DIRECTORY, *, installed: str = "") -> str:
    """Print the marker of a step, and succeed if it was done from exactly this digest.

    What was printed counts, by `parse_mark`, and not the success alone. Where the product can prove
    itself by a command, `installed`, that stands for the marker.
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


def parse_mark(printed: str, digest: str) -> str | None:
    """Return what a step is known by; None unless its marker holds this digest and nothing else."""
    found, newline, detail = printed.partition("\n")
    if found != digest or not newline or detail.count("\n") != 1 or not detail.endswith("\n"):
        return None
    return detail.strip()


def mark(step: str, digest: str, detail: str = "", directory: str = DIRECTORY) -> str:
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


def unmark(step: str, directory: str = DIRECTORY) -> str:
    """Remove a step's marker, before what it stands for is taken apart."""
    return as_root(f"rm --force {_path(step, directory)}")


def _path(step: str, directory: str) -> str:
    """Return a marker's path, quoted; ValueError for a step that is no plain name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", step):
        raise ValueError(f"{step!r} cannot name a marker")
    return quote(f"{directory}/{step}")
