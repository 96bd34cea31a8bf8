"""Markers: files on a host that record which steps are done, and from what.

A marker holds the digest of the step's inputs and one descriptive phrase. It is written last, by
rename, so that a partial or an outdated step never counts as done. It stays in the image as the
record of how the image was made.
"""

import re
from shlex import quote

from notebake.commands.shell import as_root

DIRECTORY = "/var/lib/notebake/steps"


def read_marker(
    step: str,
    digest: str,
    directory: str = DIRECTORY,
    *,
    installed: str = "",
    product: str = "",
) -> str:
    """Return the command that prints a step's marker, and succeeds if it holds this digest.

    The exit code alone proves nothing: parse the output with `parse_marker`. `installed` is a
    command that verifies the product itself; where it succeeds, no marker is needed. `product` is
    one that must succeed besides the marker.
    """
    marked = (
        f"{{ IFS= read -r digest && {{ IFS= read -r detail || true; }}; }}"
        f" 2> /dev/null < {_path(step, directory)}"
        f' && [ "$digest" = {quote(digest)} ] && printf \'%s\\n\' "$digest" "$detail"'
    )
    if product:
        marked = f"{marked} && ( {product} ) > /dev/null"
    if not installed:
        return marked
    proven = f"{{ {installed}; }} > /dev/null && printf '%s\\n\\n' {quote(digest)}"
    return f"{{ {proven}; }} || {{ {marked}; }}"


def parse_marker(printed: str, digest: str) -> str | None:
    """Return the marker's phrase; None unless the output is exactly a marker with this digest."""
    found, newline, detail = printed.partition("\n")
    if found != digest or not newline or detail.count("\n") != 1 or not detail.endswith("\n"):
        return None
    return detail.strip()


def write_marker(step: str, digest: str, detail: str = "", directory: str = DIRECTORY) -> str:
    """Return the command that writes a step's marker; root and the login user can run it."""
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
    """Return the command that removes a step's marker, before its product is dismantled."""
    return as_root(f"rm --force {_path(step, directory)}")


def _path(step: str, directory: str) -> str:
    """Return a marker's path, quoted; ValueError for a step that is not a plain name."""
    if not re.fullmatch(r"[a-z0-9][a-z0-9._-]*", step):
        raise ValueError(f"{step!r} cannot name a marker")
    return quote(f"{directory}/{step}")
