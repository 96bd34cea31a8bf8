"""Which code is running: its version, the commit of a checkout, whether it was modified."""

import base64
import functools
import hashlib
import subprocess
from collections.abc import Mapping
from importlib import metadata

from notebake import installed_version
from notebake.project import PACKAGE, PROJECT
from notebake.record import Record

GIT_SECONDS = 20


class CodeVersion(Record):
    """The running code."""

    version: str
    commit: str = ""
    """The commit of a checkout; "" for an installed package."""
    is_modified: bool | None = None
    """Whether files differ from the commit or from the package; None if that is unknown."""


@functools.cache
def code_version() -> CodeVersion:
    """Return the version of the running code; it does not change while a process lives."""
    version = installed_version()
    if PACKAGE.parent == PROJECT and (PROJECT / ".git").exists():
        commit, changes = _git("rev-parse", "HEAD"), _git("status", "--porcelain")
        return CodeVersion(
            version=version,
            commit=(commit or "").strip(),
            is_modified=None if changes is None else bool(changes.strip()),
        )
    return CodeVersion(version=version, is_modified=_is_package_modified())


def describe_code(code: Mapping[str, object]) -> str:
    """Return which code it was, and whether it was modified."""
    if not code:
        return "unknown"
    commit = f", commit {code['commit']}" if code.get("commit") else ""
    modified = {True: ", modified", False: ", unmodified"}
    is_modified = code.get("is_modified")
    changes = modified[is_modified] if isinstance(is_modified, bool) else ", perhaps modified"
    return f"notebake {code.get('version', '')}{commit}{changes}"


def _git(*words: str) -> str | None:
    """Return the output of git in the checkout; None if it cannot be had."""
    try:
        done = subprocess.run(
            ["git", "-C", str(PROJECT), *words],
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _is_package_modified() -> bool | None:
    """Return whether installed files differ from the hashes that the installer wrote down.

    https://packaging.python.org/en/latest/specifications/recording-installed-packages/
    """
    try:
        files = metadata.files("notebake") or []
    except metadata.PackageNotFoundError:
        return None
    hashed = [file for file in files if file.hash and file.suffix == ".py"]
    if not hashed:
        return None
    for file in hashed:
        path = file.locate()
        if file.hash is None or not path.exists():  # type: ignore[attr-defined]
            return True
        digest = hashlib.new(file.hash.mode, path.read_bytes()).digest()  # type: ignore[attr-defined]
        if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != file.hash.value:
            return True
    return False
