"""Prints the content of a conda environment as a lock file, from which it can be reinstalled.

Runs on the host in the system's Python, with the standard library only.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

LOGIN = re.compile(r"(?<=://)[^/@\s]*@|/t/[A-Za-z0-9-]+(?=/)")


def read_records(prefix: Path) -> list[dict[str, Any]]:
    """Return conda's package records, each after its dependencies unless those form a cycle."""
    files = sorted((prefix / "conda-meta").glob("*.json"))
    records = {}
    for file in files:
        record = json.loads(file.read_text(encoding="utf-8"))
        records[record["name"]] = record
    ordered: dict[str, dict[str, Any]] = {}
    for name in records:
        _append(name, records, ordered, set())
    return list(ordered.values())


def _append(
    name: str,
    records: dict[str, dict[str, Any]],
    ordered: dict[str, dict[str, Any]],
    visited: set[str],
) -> None:
    """Append a package to `ordered` after its dependencies; `visited` ends a cycle."""
    if name in ordered or name in visited or name not in records:
        return
    visited.add(name)
    for dependency in records[name].get("depends", ()):
        _append(str(dependency).split()[0], records, ordered, visited)
    ordered[name] = records[name]


def without_login(url: str) -> str:
    """Return a URL without user name, password and token."""
    return LOGIN.sub("", url)


def explicit_list(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of conda's explicit list, which `conda create --file` installs."""
    yield "# This file may be used to create an environment using:"
    yield "# $ conda create --name <env> --file <this file>"
    yield "@EXPLICIT"
    for record in records:
        digest = f"sha256:{record['sha256']}" if record.get("sha256") else record["md5"]
        yield f"{without_login(record['url'])}#{digest}"


def pip_requirements(prefix: Path) -> list[str]:
    """Return the packages that uv or pip has installed, as requirement lines."""
    paths = [str(path) for path in prefix.glob("lib/python3.*/site-packages")]
    requirements = {
        requirement_of(package)
        for package in distributions(path=paths)
        if (package.read_text("INSTALLER") or "").strip() in {"uv", "pip"}
    }
    return sorted(requirements, key=str.lower)


def requirement_of(package: Distribution) -> str:
    """Return the requirement that pins a package by its version, or by the URL it came from.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    name = package.metadata["Name"]
    direct = json.loads(package.read_text("direct_url.json") or "{}")
    if not direct:
        return f"{name}=={package.version}"
    url = without_login(direct["url"])
    if vcs := direct.get("vcs_info"):
        url = f"{vcs['vcs']}+{url}@{vcs['commit_id']}"
    folder = direct.get("subdirectory")
    return f"{name} @ {url}" + (f"#subdirectory={folder}" if folder else "")


def environment_file(prefix: Path) -> Iterator[str]:
    """Yield the lines of an environment.yml that pins every package and build."""
    records = read_records(prefix)
    urls = (without_login(record.get("channel") or "").rstrip("/") for record in records)
    yield "channels:"
    yield from (f"  - {json.dumps(url)}" for url in dict.fromkeys(urls) if url)
    yield "  - nodefaults"
    yield "dependencies:"
    for record in sorted(records, key=lambda record: str(record["name"])):
        yield f"  - {record['name']}={record['version']}={record['build']}"
    if requirements := pip_requirements(prefix):
        yield "  - pip:"
        yield from (f"    - {requirement}" for requirement in requirements)


def main() -> None:
    """Print the lock file of the requested kind: `explicit`, or else an environment.yml."""
    kind, path = sys.argv[1:]
    prefix = Path(path)
    is_explicit = kind == "explicit"
    lines = explicit_list(read_records(prefix)) if is_explicit else environment_file(prefix)
    sys.stdout.writelines(f"{line}\n" for line in lines)


if __name__ == "__main__":
    main()
