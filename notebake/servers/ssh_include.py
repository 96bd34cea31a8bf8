"""Lets the user's own ssh configuration include ours, so that plain `ssh nb-NAME` works.

Whatever stands in that file stays; if ssh does not read it as expected afterwards, it is restored.
"""

import os
import subprocess
import sys
from pathlib import Path

from notebake.errors import NotebakeError
from notebake.servers.ssh_config import config_path, quote

SSH_SECONDS = 10


class IncludeError(NotebakeError):
    """The user's ssh configuration was left as it is; the hint has the line to add by hand."""


def user_config_path() -> Path:
    """Return the path of the user's ssh configuration; ssh itself ignores $HOME."""
    if sys.platform == "win32":
        return Path.home() / ".ssh" / "config"
    import pwd

    return Path(pwd.getpwuid(os.getuid()).pw_dir) / ".ssh" / "config"


def include_line() -> str:
    """Return the line that includes our entries."""
    return f"Include {quote(config_path(), has_tokens=False)}"


def is_included(user_config: Path) -> bool:
    """Return whether the file has the line, wherever it stands."""
    try:
        return include_line() in user_config.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return False


def include(user_config: Path, alias: str) -> None:
    """Put the line first in the user's file, and check that ssh then knows the alias.

    Raises:
        IncludeError: the file is odd or damaged, or ssh does not take it; it is as it was.
    """
    _check_plain(user_config)
    before = user_config.read_bytes() if user_config.exists() else None
    try:
        if before is not None:
            before.decode("utf-8")
    except UnicodeDecodeError:
        raise _left(user_config, "it is not UTF-8") from None
    if before is not None and (refusal := ssh_refusal(user_config, "localhost")):
        raise _left(user_config, f"ssh itself refuses it: {refusal}")
    _write(user_config, f"{include_line()}\n\n".encode() + (before or b""))
    try:
        if not knows(user_config, alias):
            raise _left(user_config, f"ssh did not know {alias} with the line in it")
    except BaseException:
        if before is None:
            user_config.unlink()
        else:
            _write(user_config, before)
        raise


def knows(config: Path, alias: str) -> bool:
    """Return whether ssh with this configuration checks the alias against a host key of ours."""
    shown = _ssh_settings(config, alias)
    return shown.returncode == 0 and "\nhostkeyalias i-" in shown.stdout


def ssh_refusal(config: Path, alias: str) -> str:
    """Return why ssh refuses a configuration; "" if it takes it."""
    shown = _ssh_settings(config, alias)
    return shown.stderr.strip().splitlines()[0] if shown.returncode and shown.stderr else ""


def _ssh_settings(config: Path, alias: str) -> "subprocess.CompletedProcess[str]":
    words = ["ssh", "-F", str(config), "-G", alias]
    try:
        return subprocess.run(
            words,
            capture_output=True,
            text=True,
            timeout=SSH_SECONDS,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise _left(config, f"ssh cannot be asked: {error}") from error


def _check_plain(path: Path) -> None:
    """Raise IncludeError unless the file is the user's own plain file, or can become one."""
    if path.is_symlink():
        raise _left(path, "it is a link, so another program looks after it")
    if path.exists():
        found = path.stat()
        if not path.is_file() or (hasattr(os, "getuid") and found.st_uid != os.getuid()):
            raise _left(path, "it is no plain file of yours")
        if not os.access(path, os.W_OK):
            raise _left(path, "it may not be written")
    elif path.parent.exists() and not path.parent.is_dir():
        raise _left(path, f"{path.parent} is no folder")


def _write(path: Path, content: bytes) -> None:
    """Replace the file at once, with the mode that it has; a new one is for the user only."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o600
    beside = path.with_name(f".{path.name}.notebake-{os.getpid()}")
    try:
        beside.write_bytes(content)
        beside.chmod(mode)
        beside.replace(path)
    except OSError as error:
        beside.unlink(missing_ok=True)
        raise _left(path, error.strerror or str(error)) from error


def _left(path: Path, why: str) -> IncludeError:
    return IncludeError(
        f"{path} was left as it was: {why}.",
        f"To reach servers by name, make this its first line: {include_line()}",
    )
