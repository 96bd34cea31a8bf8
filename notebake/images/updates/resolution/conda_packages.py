"""What rattler would install today in an image's conda environments."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from notebake.commands.python_lock import LOCK_FILE as PYTHON_LOCK
from notebake.commands.software import requested_packages
from notebake.images.updates.finding import Change
from notebake.images.updates.resolution.image_python import ResolutionError, find_lock
from notebake.images.updates.resolution.uv_log import without_login
from notebake.recipe import Software
from notebake.recipe.environment_nodes import read_environment
from notebake.timeouts import RESOLUTION_SECONDS

PROGRAM = "notebake.images.updates.resolution.conda_program"
LINE = re.compile(
    r"(?P<channel>\S+)/(?P<subdir>[^/\s]+)/(?P<name>[^/\s]+)-(?P<version>[^-/\s]+)-(?P<build>[^-/\s]+)"
    r"\.(?:conda|tar\.bz2)(?:#\S*)?"
)
SPEC_NAME = re.compile(r"(?:\S+::)?(?P<name>[\w.-]+)")
SUBDIRS = {"x86_64": "linux-64", "aarch64": "linux-aarch64"}
LOCKS = {"": "conda-explicit.txt", "conda's own environment": "conda-itself-explicit.txt"}
"""The image's environments: a name for a reader, and the lock file."""
OWN_SPECS = ("conda",)
"""What the environment of conda itself is made of (notebake/conda/environment.py)."""


@dataclass(frozen=True)
class Locked:
    """A conda package in a lock file."""

    version: str
    build: str
    channel: str = ""

    def __str__(self) -> str:
        return f"{self.version} ({self.build})"


def read_lock(locks: Mapping[str, bytes], name: str) -> dict[str, Locked]:
    """Return the packages in an explicit list of conda; ResolutionError if the run has none."""
    text = find_lock(locks, name)
    found = {
        line["name"]: Locked(line["version"], line["build"], line["channel"])
        for line in map(LINE.fullmatch, (text or "").splitlines())
        if line
    }
    if not found:
        raise ResolutionError(f"the run kept no {name}")
    return found


def find_conda_changes(
    software: Software, locks: Mapping[str, bytes]
) -> Iterator[tuple[bool, Change]]:
    """Yield what rattler would install otherwise, each with whether the recipe or we ask for it.

    Raises:
        ResolutionError: it cannot be found here.
    """
    locked = {name: read_lock(locks, lock) for name, lock in LOCKS.items()}
    asked = specs_of(software)
    solved = run_program(job_of(locks, asked, software), locks)
    for name, has in locked.items():
        check_channels(has, solved[name]["channels"])
        named = {found["name"].lower() for found in map(SPEC_NAME.match, asked[name]) if found}
        wanted = {each: Locked(*pair) for each, pair in solved[name]["packages"].items()}
        for package in sorted(has.keys() | wanted.keys()):
            old, new = has.get(package), wanted.get(package)
            if old and new and (old.version, old.build) == (new.version, new.build):
                continue
            yield package in named, change_of(package, old, new, name)


def change_of(package: str, old: Locked | None, new: Locked | None, environment: str) -> Change:
    """Return a change; builds are shown where the version is the same."""
    show = str if old and new and old.version == new.version else lambda each: each.version
    return Change(
        name=package,
        old=show(old) if old else None,
        new=show(new) if new else None,
        detail=environment,
    )


def specs_of(software: Software) -> dict[str, dict[str, int]]:
    """Return the specifications of each environment, as a bake has them."""
    environment = read_environment(software.requirements or "")
    own = {**dict.fromkeys(requested_packages(software), 0), **environment.specs}
    return dict(zip(LOCKS, (own, dict.fromkeys(OWN_SPECS, 0)), strict=True))


def job_of(
    locks: Mapping[str, bytes], asked: Mapping[str, dict[str, int]], software: Software
) -> dict[str, Any]:
    """Return the input of the program."""
    channels = dict(
        zip(LOCKS, (read_environment(software.requirements or "").channels, ()), strict=True)
    )
    machine = python_record(locks)["machine"]
    if machine not in SUBDIRS:
        raise ResolutionError(f"conda has no packages for {machine}")
    environments = {
        name: {"channels": list(channels[name]), "specs": specs} for name, specs in asked.items()
    }
    return {"subdir": SUBDIRS[machine], "environments": environments}


def python_record(locks: Mapping[str, bytes]) -> Mapping[str, str]:
    """Return what the run kept of the system's Python: machine, C library and kernel."""
    try:
        record: Mapping[str, str] = json.loads(find_lock(locks, PYTHON_LOCK) or "null")["system"]
    except (ValueError, KeyError, TypeError):
        raise ResolutionError("the run kept no platform, as it is an older one") from None
    return record


def run_program(job: Mapping[str, Any], locks: Mapping[str, bytes]) -> dict[str, Any]:
    """Return what the program prints, with the virtual packages of the image's machine."""
    record = python_record(locks)
    machine = {
        # Whether a machine has a GPU is not kept. Without one is what most are.
        "CONDA_OVERRIDE_CUDA": "",
        "CONDA_OVERRIDE_GLIBC": record.get("libc_version", ""),
    }
    try:
        done = subprocess.run(
            [sys.executable, "-m", PROGRAM],
            input=json.dumps(job),
            env={**os.environ, **machine},
            capture_output=True,
            text=True,
            timeout=RESOLUTION_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ResolutionError(f"rattler found no end within {RESOLUTION_SECONDS} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["it said nothing"]
        words = lines[-1] if lines[0].startswith("Traceback") else " ".join(lines)
        raise ResolutionError(f"rattler: {without_login(words)}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def check_channels(has: Mapping[str, Locked], asked: list[str]) -> None:
    """Raise ResolutionError if packages are from a channel that was not asked."""
    names = {url.rstrip("/") for url in asked}
    others = {each.channel for each in has.values()} - names
    if others:
        raise ResolutionError(
            f"the image has packages from {min(others)}, and conda's settings on this computer"
            f" name {', '.join(sorted(names))}"
        )
