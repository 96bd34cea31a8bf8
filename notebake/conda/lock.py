"""Prints what a conda environment holds, so that it can be made again.

It goes along to the host, where the system's Python runs it, and needs the standard library only.
"""

import json
import re
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path
from typing import Any

LOGIN = re.compile(r"(?<=://)[^/@\s]*@|/t/[A-Za-z0-9-]+(?=/)")


def records_of(prefix: Path) -> list[dict[str, Any]]:
    """Return conda's records of the packages, each after what it needs, as far as that goes."""
    files = sorted((prefix / "conda-meta").glob("*.json"))
    found = {}
    for file in files:
        record = json.loads(file.read_text(encoding="utf-8"))
        found[record["name"]] = record
    ordered: dict[str, dict[str, Any]] = {}
    for name in found:
        _place(name, found, ordered, set())
    return list(ordered.values())


def _place(
    name: str,
    found: dict[str, dict[str, Any]],
    ordered: dict[str, dict[str, Any]],
    begun: set[str],
) -> None:
    """Put a package behind those that it depends on; a circle is cut where it closes."""
    if name in ordered or name in begun or name not in found:
        return
    begun.add(name)
    for needed in found[name].get("depends", ()):
        _place(str(needed).split()[0], found, ordered, begun)
    ordered[name] = found[name]


def without_login(address: str) -> str:
    """Return an address without a name, a password or a token."""
    return LOGIN.sub("", address)


def explicit(records: Iterable[dict[str, Any]]) -> Iterator[str]:
    """Yield the lines of an explicit list: `conda create --file` makes the same from it."""
    yield "# This file may be used to create an environment using:"
    yield "# $ conda create --name <env> --file <this file>"
    yield "@EXPLICIT"
    for one in records:
        kind, digest = ("sha256:", one.get("sha256")) if one.get("sha256") else ("", one["md5"])
        yield f"{without_login(one['url'])}#{kind}{digest}"


def by_pip(prefix: Path) -> list[str]:
    """Return what is installed beside conda's packages, as a requirements.txt has it."""
    places = [str(path) for path in prefix.glob("lib/python3.*/site-packages")]
    found = {
        requirement_of(one)
        for one in distributions(path=places)
        if (one.read_text("INSTALLER") or "").strip() in {"uv", "pip"}
    }
    return sorted(found, key=str.lower)


def requirement_of(package: Distribution) -> str:
    """Return the requirement that admits exactly this package, by its address if it has one.

    https://packaging.python.org/en/latest/specifications/direct-url/
    """
    name = package.metadata["Name"]
    direct = json.loads(package.read_text("direct_url.json") or "{}")
    if not direct:
        return f"{name}=={package.version}"
    address = without_login(direct["url"])
    if by := direct.get("vcs_info"):
        address = f"{by['vcs']}+{address}@{by['commit_id']}"
    folder = direct.get("subdirectory")
    return f"{name} @ {address}" + (f"#subdirectory={folder}" if folder else "")


def environment_file(prefix: Path) -> Iterator[str]:
    """Yield the lines of an environment.yml that pins every package and build."""
    records = records_of(prefix)
    channels = dict.fromkeys(without_login(one.get("channel") or "").rstrip("/") for one in records)
    yield "channels:"
    yield from (f"  - {json.dumps(one)}" for one in channels if one)
    yield "  - nodefaults"
    yield "dependencies:"
    for one in sorted(records, key=lambda record: str(record["name"])):
        yield f"  - {one['name']}={one['version']}={one['build']}"
    if others := by_pip(prefix):
        yield "  - pip:"
        yield from (f"    - {one}" for one in others)


def print_lines(lines: Iterable[str]) -> None:
    """Write lines on the standard output."""
    for line in lines:
        sys.stdout.write(f"{line}\n")


def main() -> None:
    """Print the kind of list that was asked for."""
    kind, path = sys.argv[1:]
    prefix = Path(path)
    print_lines(explicit(records_of(prefix)) if kind == "explicit" else environment_file(prefix))


if __name__ == "__main__":
    main()
