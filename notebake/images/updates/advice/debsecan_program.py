"""debsecan, asked for the vulnerabilities of packages that are not on this computer.

Its data are fetched here, so that their date is known and no empty answer passes for a clean one;
debsecan reads them from a file, and compares the versions.
"""

import os
import re
import shutil
import subprocess
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from notebake.images.updates.advice.advice import AdviceError
from notebake.images.updates.advice.audit_program import last_error
from notebake.images.updates.archives.download import Downloads
from notebake.images.updates.archives.source import ArchiveError
from notebake.images.updates.composing import sentence
from notebake.images.updates.resolution.uv_log import without_login
from notebake.timeouts import ADVICE_SECONDS

TRACKER = "https://security-tracker.debian.org/tracker/debsecan/release/1/"
"""debsecan 0.4.20.1, fetch_data()."""
SOURCE = "NOTEBAKE_DEBSECAN_SOURCE"
"""The variable with another address of the data, as debsecan's own --source."""
LARGEST_BYTES = 100_000_000
HEAD = "VERSION 1\n"
FIRST = re.compile(r"(?P<bug>\S+)(?: \((?P<notes>[^)]*)\))?")
INSTALLED = re.compile(r"  installed: (?P<package>\S+) \S+")
SOURCE_PACKAGE = re.compile(r" +\(built from (?P<source>\S+) (?P<version>\S+)\)")
FIXED = re.compile(
    r"  fixed (?:in unstable:|on branch:  ) \S+ (?P<version>\S+) \((?:source|binary)"
)
URGENCY = re.compile(r"(?P<urgency>\w+) urgency")


@dataclass(frozen=True)
class Bug:
    """One vulnerability of one installed package, as debsecan prints it."""

    bug: str
    package: str
    source: str
    version: str
    """The source package's."""
    urgency: str
    is_remote: bool
    has_fix: bool
    """Whether the distribution's release has a version without it."""
    fixed: tuple[str, ...]
    """Versions of any release that are without it."""


class DatedDownloads(Downloads):
    """Downloads that remember of when the last file was, by its server."""

    modified: str = ""

    def read(self, answer: httpx.Response, tried: str, limit_bytes: int) -> bytes:
        """Return the body of an answer."""
        self.modified = answer.headers.get("Last-Modified", "")
        return super().read(answer, tried, limit_bytes)


def source_name() -> str:
    """Return where the data are from, without a login."""
    return without_login(os.environ.get(SOURCE) or TRACKER)


def fetch_data(suite: str) -> tuple[bytes, datetime | None]:
    """Return the data on a release of Debian with their date; None: the server does not say.

    Raises:
        AdviceError: there are none, or they name no vulnerability at all.
    """
    url = f"{(os.environ.get(SOURCE) or TRACKER).rstrip('/')}/{suite}"
    try:
        with DatedDownloads() as get:
            content = get.fetch(url, LARGEST_BYTES)
        text = zlib.decompress(content).decode(errors="replace")
        dated = parsedate_to_datetime(get.modified) if get.modified else None
    except ArchiveError as error:
        raise AdviceError(sentence(without_login(str(error)))) from None
    except (zlib.error, ValueError) as error:
        raise AdviceError(f"{without_login(url)} is not debsecan's data: {error}.") from None
    if not text.startswith(HEAD) or not text.removeprefix(HEAD).partition("\n")[0].strip():
        raise AdviceError(f"{without_login(url)} names no vulnerability of any package.")
    return content, dated


def run_debsecan(status: str, suite: str, data: bytes) -> list[Bug]:
    """Return the vulnerabilities of the packages in a status file of dpkg.

    Raises:
        AdviceError: debsecan is not there, or it failed.
    """
    program = find_program()
    with tempfile.TemporaryDirectory(prefix="notebake-") as name:
        folder = Path(name)
        (folder / "status").write_text(status)
        (folder / suite).write_bytes(data)
        line = [program, "--suite", suite, "--source", folder.as_uri(), "--format", "detail"]
        # Settings and exceptions of this computer are not the image's.
        line += ["--config", f"{name}/config", "--whitelist", f"{name}/whitelist"]
        line += ["--status", f"{name}/status"]
        try:
            done = subprocess.run(
                line,
                capture_output=True,
                text=True,
                errors="replace",
                timeout=ADVICE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise AdviceError(f"debsecan did not run: {error}.") from None
    if done.returncode:
        raise AdviceError(f"debsecan: {last_error(done.stderr or done.stdout)}.")
    return list(read_bugs(done.stdout))


def find_program() -> str:
    """Return the path of debsecan; AdviceError if there is none."""
    found = shutil.which("debsecan")
    if not found:
        raise AdviceError("debsecan is not installed; on Debian and Ubuntu: apt install debsecan.")
    return found


def read_bugs(printed: str) -> Iterator[Bug]:
    """Yield what debsecan prints in its format `detail`: a paragraph for each vulnerability."""
    for paragraph in printed.split("\n\n"):
        lines = paragraph.strip("\n").split("\n")
        first = FIRST.match(lines[0])
        installed = next(filter(None, map(INSTALLED.fullmatch, lines)), None)
        built = next(filter(None, map(SOURCE_PACKAGE.fullmatch, lines)), None)
        if not lines[0]:
            continue
        if not first or not installed or not built:
            raise AdviceError(f"debsecan printed what cannot be read: {lines[0][:80]!r}.")
        notes = first["notes"] or ""
        urgency = URGENCY.search(notes)
        yield Bug(
            bug=first["bug"],
            package=installed["package"],
            source=built["source"],
            version=built["version"],
            urgency=urgency["urgency"] if urgency else "",
            is_remote="remotely exploitable" in notes,
            has_fix=any(line.startswith("  fix is available") for line in lines),
            fixed=tuple(found["version"] for found in map(FIXED.match, lines) if found),
        )
