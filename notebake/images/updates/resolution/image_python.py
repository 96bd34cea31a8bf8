"""The Python of an image, as its run has kept it, in the words of uv."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from notebake.commands.python_lock import LOCK_FILE

MACHINES = ("x86_64", "aarch64")
GLIBC = (17, 28, *range(31, 41))
"""The minor versions of glibc for which uv 0.13.9 resolves (uv pip compile --help)."""


class ResolutionError(Exception):
    """It cannot be found what would be installed; the text says why."""


@dataclass(frozen=True)
class ImagePython:
    """A Python of an image."""

    version: str
    platform: str
    """As uv's --python-platform has it."""
    index: str
    """The index that the machine was set to; "": the default one."""


def find_lock(locks: Mapping[str, bytes], name: str) -> str | None:
    """Return the text of a lock file by its name, with or without its folder in the run store."""
    content = locks.get(f"locks/{name}", locks.get(name))
    return None if content is None else content.decode(errors="replace")


def read_python(locks: Mapping[str, bytes], which: str) -> ImagePython:
    """Return the Python `environment` or `system` of the image.

    Raises:
        ResolutionError: the run kept none, or it is one that uv cannot resolve for.
    """
    text = find_lock(locks, LOCK_FILE)
    if text is None:
        raise ResolutionError("the run kept no Python version, as it is an older one")
    try:
        record = json.loads(text)
        python, index = record[which], str(record.get("index", ""))
        platform = platform_of(python["machine"], python["libc"], python["libc_version"])
        if python["implementation"] != "CPython":
            raise ResolutionError(f"uv cannot resolve for {python['implementation']} from here")
        return ImagePython(str(python["version"]).rstrip("+"), platform, index)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ResolutionError(f"{LOCK_FILE} of the run cannot be read: {error!r}") from None


def platform_of(machine: str, libc: str, libc_version: str) -> str:
    """Return the platform of uv whose wheels are those of the image, or nearly so.

    The next lower glibc that uv knows is used: no index has wheels for the ones in between.
    """
    major, _, minor = libc_version.partition(".")
    fitting = [each for each in GLIBC if minor.isdigit() and each <= int(minor)]
    if machine not in MACHINES or libc != "glibc" or major != "2" or not fitting:
        raise ResolutionError(f"uv cannot resolve for {machine} with {libc} {libc_version}")
    return f"{machine}-manylinux_2_{fitting[-1]}"
