"""pip-audit, asked for known vulnerabilities of exact versions; it installs and resolves nothing.

It calls a package that its service does not know `skipped`, ends well, and prints `No known
vulnerabilities found` even if that was each of them. So one release that has some is asked besides.
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from notebake.images.updates.advice.advice import AdviceError
from notebake.images.updates.resolution.uv_log import without_login
from notebake.timeouts import ADVICE_SECONDS

CONTROL = ("flask", "0.5")
"""A release with known vulnerabilities, by the README of pip-audit 2.10.1."""
SERVICE, OSV_URL = "PIP_AUDIT_VULNERABILITY_SERVICE", "PIP_AUDIT_OSV_URL"
"""Settings of pip-audit for whom to ask. Others would change what it prints."""
SERVICES = {"pypi": "PyPI", "osv": "OSV"}
REQUIREMENTS = "requirements.txt"
OPTIONS = (
    *("--no-deps", "--disable-pip", "--format", "json", "--aliases", "on", "--desc", "off"),
    *("--progress-spinner", "off", "--cache-dir", "cache", "--requirement", REQUIREMENTS),
)
"""The cache is an empty one: what is asked is answered now."""
ERROR = re.compile(r"ERROR:[\w.]+:(?P<words>.+)|(?:\w+\.)*(?P<error>\w*(?:Error|Exception): .+)")
LONGEST = 300
Pin = tuple[str, str]
"""The name of a package, as indexes compare names, and its version."""


@dataclass(frozen=True)
class Audit:
    """What pip-audit says: of each package its vulnerabilities, or that it is not known."""

    known: dict[Pin, list[dict[str, Any]]]
    unknown: frozenset[str]
    """Names that the service does not have."""


def service_name() -> str:
    """Return whom pip-audit asks, for a reader."""
    service = os.environ.get(SERVICE, "pypi").lower()
    own = os.environ.get(OSV_URL, "") if service == "osv" else ""
    name = SERVICES.get(service, service)
    return f"{name} ({without_login(own)})" if own else name


def find_program() -> list[str]:
    """Return how pip-audit is called: the one of this Python, or else the first on PATH.

    Raises:
        AdviceError: there is none.
    """
    if importlib.util.find_spec("pip_audit"):
        return [sys.executable, "-m", "pip_audit"]
    if found := shutil.which("pip-audit"):
        return [found]
    raise AdviceError("pip-audit is not installed; install the extra `audit`.")


def run_audit(pins: Sequence[Pin]) -> Audit:
    """Return what is known of these packages; each call asks the service anew.

    Raises:
        AdviceError: pip-audit is not there, or it or its service failed.
    """
    program = find_program()
    groups = group_pins([CONTROL, *pins])
    with ThreadPoolExecutor(len(groups), thread_name_prefix="audit") as pool:
        found = list(pool.map(lambda group: audit_group(program, group), groups))
    known = {pin: vulnerabilities for each in found for pin, vulnerabilities in each.known.items()}
    if not known.get(CONTROL):
        name, version = CONTROL
        raise AdviceError(
            f"What answers pip-audit as {service_name()} has no advisories: it names none of"
            f" {name} {version}, which has several."
        )
    return Audit(known, frozenset[str]().union(*(each.unknown for each in found)))


def audit_group(program: Sequence[str], group: Sequence[Pin]) -> Audit:
    """Return what one call of pip-audit says of packages, each of another name."""
    with tempfile.TemporaryDirectory(prefix="notebake-") as folder:
        (Path(folder) / REQUIREMENTS).write_text(
            "".join(f"{name}=={version}\n" for name, version in group)
        )
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith("PIP_AUDIT_") or name in (SERVICE, OSV_URL)
        }
        try:
            done = subprocess.run(
                [*program, *OPTIONS],
                cwd=folder,
                env=kept,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=ADVICE_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise AdviceError(f"pip-audit found no end within {ADVICE_SECONDS} s.") from None
        except OSError as error:
            raise AdviceError(f"pip-audit did not run: {error}.") from None
    return read_audit(done.stdout, done.stderr)


def group_pins(pins: Sequence[Pin]) -> list[list[Pin]]:
    """Return the packages in as few groups as have each name once: pip-audit takes no other."""
    groups: list[dict[str, str]] = []
    for name, version in dict.fromkeys(pins):
        group = next((group for group in groups if name not in group), None)
        if group is None:
            groups.append(group := {})
        group[name] = version
    return [list(group.items()) for group in groups]


def read_audit(printed: str, errors: str) -> Audit:
    """Return what pip-audit has printed; AdviceError if it is no result."""
    try:
        listed = json.loads(printed)["dependencies"]
        named = [each for each in listed if "skip_reason" not in each]
        known = {(each["name"], each["version"]): each["vulns"] for each in named}
        unknown = frozenset(each["name"] for each in listed if "skip_reason" in each)
    except (ValueError, KeyError, TypeError):
        raise AdviceError(f"pip-audit, asking {service_name()}: {last_error(errors)}.") from None
    return Audit(known, unknown)


def last_error(printed: str) -> str:
    """Return of what a program has printed the last error that says something."""
    lines = [line.strip() for line in printed.splitlines() if line.strip()]
    found = [each["words"] or each["error"] for each in map(ERROR.match, lines) if each]
    # pip-audit ends with a tip to try another service; what failed stands before it.
    found = [words for words in found if not words.startswith("Tip:")] or lines[-1:]
    return without_login(found[-1])[:LONGEST] if found else "it said nothing"
