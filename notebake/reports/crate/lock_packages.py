"""The packages in the lock files of a run, as a list of materials needs them."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

REQUIREMENT = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^]]*\])?==(?P<version>[^\s;]+)")
DIRECT = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)(?:\[[^]]*\])? @ (?P<url>\S+)")
CONDA = re.compile(
    r"(?P<repository_url>\S+)/(?P<channel>[^/\s]+)/(?P<subdir>[^/\s]+)/(?P<name>[^/\s]+)-(?P<version>[^-/\s]+)-(?P<build>[^-/\s]+)"
    r"\.(?P<type>conda|tar\.bz2)(?:#(?P<digest>(?:sha256:)?[0-9a-f]+))?"
)
DEBIAN = re.compile(r"(?P<name>[^=\s]+)=(?P<version>\S+)")
PROPERTY = "notebake:"
PYTHON_LOCK, CONDA_LOCK = "locks/requirements.txt", "locks/conda-explicit.txt"
SYSTEM_LOCK, OLD_SYSTEM_LOCK = "locks/apt-packages.json", "locks/apt.txt"


@dataclass(frozen=True)
class Package:
    """An installed package; the first four are the parts of its package URL (purl)."""

    kind: str
    """`pypi`, `conda` or `deb`; "" if no purl can be made, as a part is not known."""
    namespace: str
    name: str
    version: str
    qualifiers: Mapping[str, str] = field(default_factory=dict)
    sha256: str = ""
    properties: Mapping[str, str] = field(default_factory=dict)


def python_packages(locks: Mapping[str, str]) -> list[Package]:
    """Return the packages of the image's Python environment, by the texts of its lock files."""
    conda = list(_conda_packages(locks.get(CONDA_LOCK, "")))
    known = {_plain(each.name) for each in conda}
    listed = _requirements(locks.get(PYTHON_LOCK, ""))
    # What conda has installed stands in both.
    return [*conda, *(each for each in listed if _plain(each.name) not in known)]


def _plain(name: str) -> str:
    """Return a name as PyPI compares it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _requirements(lock: str) -> Iterator[Package]:
    for line in map(str.strip, lock.splitlines()):
        if found := REQUIREMENT.match(line):
            yield Package("pypi", "", _plain(found["name"]), found["version"])
        elif found := DIRECT.match(line):
            url, name = found["url"], _plain(found["name"])
            qualifier = "vcs_url" if re.match(r"\w+\+", url) else "download_url"
            yield Package("pypi", "", name, "", {qualifier: url})


def _conda_packages(lock: str) -> Iterator[Package]:
    for found in filter(None, map(CONDA.match, lock.splitlines())):
        digest = found["digest"] or ""
        names = ("build", "channel", "subdir", "type", "repository_url")
        sha256 = digest.removeprefix("sha256:") if digest.startswith("sha256:") else ""
        yield Package(
            "conda",
            "",
            found["name"],
            found["version"],
            {name: found[name] for name in names},
            sha256,
        )


def system_packages(locks: Mapping[str, str]) -> list[Package]:
    """Return the packages of the distribution. An older run has only their names and versions."""
    if SYSTEM_LOCK in locks:
        return list(_described_packages(locks[SYSTEM_LOCK]))
    lines = map(DEBIAN.fullmatch, locks.get(OLD_SYSTEM_LOCK, "").splitlines())
    note = {f"{PROPERTY}purl": "none: this run did not record distribution and architecture"}
    return [
        Package("", "", each["name"], each["version"], properties=note) for each in lines if each
    ]


def _described_packages(lock: str) -> Iterator[Package]:
    document = json.loads(lock or "{}")
    release, indexes = document.get("release", {}), document.get("indexes", [])
    distribution = release.get("id", "")
    number = release.get("version_id") or release.get("version_codename", "")
    for each in document.get("packages", ()):
        origins = [indexes[at] for at in each.get("indexes", ())]
        known = {
            "source": each["source"],
            "source-version": each["source_version"],
            **{
                name: ", ".join(dict.fromkeys(origin.get(name, "") for origin in origins))
                for name in ("origin", "label", "suite", "codename", "component")
            },
            "hold": "true" if each.get("hold") else "",
        }
        yield Package(
            "deb" if distribution else "",
            distribution,
            each["name"],
            each["version"],
            {"arch": each["architecture"], "distro": f"{distribution}-{number}".rstrip("-")},
            properties={f"{PROPERTY}{name}": value for name, value in known.items() if value},
        )
