"""Prints which packages are installed, and from which repositories apt has them, as JSON.

Runs on the host in the system's Python, with the standard library only. The lock file `apt.txt` has
names and versions; advisories are matched by source package, origin and suite as well. What a
program did not tell stands under `notes`.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

FORMAT = 3
"""2 has the packages on hold, and the release that apt prefers; 3 the sizes of the packages."""
PACKAGE = ("name", "version", "architecture", "source", "source_version")
SHOW = (
    r"${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}"
    r"\t${Installed-Size}\t${db:Status-Want}\t${db:Status-Status}\n"
)
INDEX = ("origin", "label", "suite", "codename", "component", "architecture")
TARGETS = "|".join(("$(DESCRIPTION)", *(f"$({name.upper()})" for name in INDEX)))
POLICY = (
    "apt-cache",
    *("-o", "Dir::Cache::pkgcache="),
    *("-o", "Dir::Cache::srcpkgcache="),
    "policy",
)
"""Without the caches that apt-cache would leave on the disk: a hundred megabytes."""
LOGIN = re.compile(r"(?<=://)[^/@\s]*@")


def ask(notes: list[str], *words: str) -> str:
    """Return what a program prints; if it fails, note how, and return what it has printed."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "C"}
    try:
        done = subprocess.run(words, capture_output=True, env=environment, check=False)
    except OSError as error:
        notes.append(f"{words[0]}: {error.strerror}")
        return ""
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()[-200:]
        notes.append(f"{words[0]}: exit code {done.returncode}: {reason}")
    return done.stdout.decode(errors="replace")


def without_login(text: str) -> str:
    """Return text without the user names and passwords in its URLs."""
    return LOGIN.sub("", text)


def parse_policy(printed: str) -> Iterator[tuple[str, list[str]]]:
    """Yield each name of `apt-cache policy` with the indexes that have the installed version."""
    name, found, is_installed = "", list[str](), False
    for line in printed.splitlines():
        if line and not line[0].isspace():
            yield name, found
            name, found, is_installed = line.rstrip(":"), [], False
        elif line.startswith(" *** "):
            is_installed = True
        elif line.startswith(" " * 7):
            if is_installed:
                found.append(line.strip().partition(" ")[2])
        else:
            is_installed = False
    yield name, found


def list_packages(
    notes: list[str], indexes: list[dict[str, str]], architecture: str
) -> list[dict[str, Any]]:
    """Return the installed packages, each with the positions of the indexes that have it."""
    lines = ask(notes, "dpkg-query", "--show", "--showformat", SHOW).splitlines()
    rows = [row for row in (line.split("\t") for line in lines) if row[-1] == "installed"]
    # apt shows the names of other architectures with these, as libc6:i386.
    names = [row[0] if row[2] in (architecture, "all") else f"{row[0]}:{row[2]}" for row in rows]
    policy = dict(parse_policy(ask(notes, *POLICY, *names))) if names else {}
    positions = {index["description"]: number for number, index in enumerate(indexes)}
    packages = []
    for name, row in zip(names, rows, strict=True):
        found = map(without_login, policy.get(name, []))
        package: dict[str, Any] = dict(zip(PACKAGE, row, strict=False))
        package["indexes"] = [positions[each] for each in found if each in positions]
        if row[-3].isdecimal():
            package["installed_kib"] = int(row[-3])
        if row[-2] == "hold":
            package["hold"] = True
        packages.append(package)
    return packages


def list_indexes(notes: list[str]) -> list[dict[str, str]]:
    """Return the lists of packages that apt has."""
    words = ("apt-get", "indextargets", "--format", TARGETS, "Created-By: Packages")
    lines = dict.fromkeys(map(without_login, ask(notes, *words).splitlines()))
    return [dict(zip(("description", *INDEX), line.split("|"), strict=False)) for line in lines]


def read_release(path: Path) -> dict[str, str]:
    """Return which distribution this is, by os-release(5)."""
    text = path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""
    found = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    names = ("ID", "VERSION_ID", "VERSION_CODENAME")
    return {name.lower(): found.get(name, "").strip("\"'") for name in names}


def describe() -> dict[str, Any]:
    """Return all of it."""
    notes = list[str]()
    indexes = list_indexes(notes)
    architecture = ask(notes, "dpkg", "--print-architecture").strip()
    preferred = ask(notes, "apt-config", "dump", "--format", "%v", "APT::Default-Release")
    return {
        "format": FORMAT,
        "release": read_release(Path("/etc/os-release")),
        "architecture": architecture,
        "default_release": preferred.strip(),
        "indexes": indexes,
        "packages": list_packages(notes, indexes, architecture),
        "notes": notes,
    }


def lines_of(document: dict[str, Any]) -> Iterable[str]:
    """Return it as JSON with a line for each package, so that a diff of two files says which."""
    for name, value in document.items():
        comma = "" if name == "notes" else ","
        if isinstance(value, list) and value:
            rows = ",\n  ".join(json.dumps(each, sort_keys=True) for each in value)
            yield f' "{name}": [\n  {rows}\n ]{comma}'
        else:
            yield f' "{name}": {json.dumps(value, sort_keys=True)}{comma}'


if __name__ == "__main__":
    sys.stdout.write("{\n" + "\n".join(lines_of(describe())) + "\n}\n")
