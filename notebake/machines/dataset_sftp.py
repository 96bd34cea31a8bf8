"""Downloads a file or folder from an ssh server with the user's own sftp program.

`sftp -r` skips symbolic links inside a folder as "not a regular file" and still succeeds (OpenSSH
9.2, sftp-client.c, download_dir_internal). So each skipped path is requested by itself, which
follows the link.
"""

import logging
import re
import shutil
from errno import ENOSPC
from os import strerror
from pathlib import Path
from urllib.parse import urlsplit

from notebake.errors import PreflightError
from notebake.ssh.user_sftp import SftpResult, quote_path, remote_path, run_sftp, sftp_hint

log = logging.getLogger(__name__)
FULL_BELOW_BYTES = 2**20
"""If less space than this is free, a transfer has failed because of a full disk."""
MAX_ROUNDS = 3
"""How deep links may lead to folders that contain links."""
MAX_SHOWN_PATHS = 5
SKIPPED = re.compile(r'^download "(.*)": not a regular file$', re.MULTILINE)
NO_TARGET = re.compile(
    r"^(stat remote: No such file or directory"
    r"|File .* not found\.|download .*: not a regular file)$",
    re.MULTILINE,
)
FOLDER = re.compile(r"^Retrieving (.*)$", re.MULTILINE)
ESCAPED_BYTE = re.compile(r"\\([0-7]{3})")


def download_by_sftp(source: str, into: Path) -> Path:
    """Return the local path of the downloaded file or folder.

    Links are followed; links without a target are left out and logged.

    Raises:
        PreflightError: the server refused, or has no such path; with sftp's errors.
        OSError: the local disk is full.
    """
    address, target = urlsplit(source), into / "folder"
    command = f"get -r {quote_path(remote_path(address))} {quote_path(str(target))}"
    result = run_sftp(address, command)
    if result.exit_code != 0 or not target.exists():
        raise _failure(source, result, into)
    follow_links(source, result, target)
    return target


def follow_links(source: str, result: SftpResult, target: Path) -> None:
    """Download the paths that were skipped in a folder.

    Raises:
        PreflightError: a path cannot be read, or links form a loop.
    """
    address, folder = urlsplit(source), FOLDER.search(result.output)
    skipped = _skipped_in(unescape_path(folder[1]), target, result) if folder else []
    without_target: list[str] = []
    for _ in range(MAX_ROUNDS):
        if not skipped:
            break
        commands = [
            f"-get -r {quote_path(path)} {quote_path(str(local))}" for path, local in skipped
        ]
        result = run_sftp(address, "\n".join(commands))
        if result.exit_code != 0 or NO_TARGET.sub("", result.errors).strip():
            raise _failure(source, result, target.parent)
        without_target += [path for path, local in skipped if not local.exists()]
        skipped = [
            inside
            for root, local in _linked_folders(result, skipped)
            for inside in _skipped_in(root, local, result)
        ]
    if skipped:
        raise PreflightError(
            f"In {source} links lead to folders that contain links, perhaps in a loop:"
            f" {_shown([path for path, _ in skipped])}",
            "Give the folder that contains the files themselves.",
        )
    if without_target:
        names = _shown(without_target)
        log.warning("In %s these links lead to no file and were left out: %s", source, names)


def _linked_folders(result: SftpResult, links: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """Return the remote and local paths of the folders to which links lead."""
    # sftp echoes each command of a batch before its output.
    found = [FOLDER.search(part) for part in result.output.split("sftp> ")[1:]]
    pairs = zip(found, links, strict=True)
    return [(unescape_path(folder[1]), local) for folder, (_, local) in pairs if folder]


def _skipped_in(root: str, local: Path, result: SftpResult) -> list[tuple[str, Path]]:
    """Return the remote and local paths that were skipped in a folder."""
    start = f"{root.rstrip('/')}/"
    paths = (unescape_path(shown) for shown in SKIPPED.findall(result.errors))
    return [(path, local / path.removeprefix(start)) for path in paths if path.startswith(start)]


def unescape_path(shown: str) -> str:
    """Return the path that sftp has shown; it shows bytes that are no text as octal digits."""
    raw = ESCAPED_BYTE.sub(lambda found: chr(int(found[1], 8)), shown)
    if raw == shown:
        return shown
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def _failure(source: str, result: SftpResult, into: Path) -> Exception:
    if shutil.disk_usage(into).free < FULL_BELOW_BYTES:
        return OSError(ENOSPC, strerror(ENOSPC), str(into))
    address, errors = urlsplit(source), SKIPPED.sub("", result.errors).strip()
    return PreflightError(
        f"Fetched {address.path} from {address.hostname}; sftp printed: {errors}",
        sftp_hint(source, errors),
    )


def _shown(paths: list[str]) -> str:
    """Return the first few paths as printable text."""
    shown = ", ".join(paths[:MAX_SHOWN_PATHS]) + (" …" if len(paths) > MAX_SHOWN_PATHS else "")
    return shown.encode("utf-8", "backslashreplace").decode()
