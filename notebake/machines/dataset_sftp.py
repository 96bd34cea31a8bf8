"""A file or folder of an ssh server, brought here by the user's own sftp, with all that it knows.

`sftp -r` says of a link in a folder that it is "not a regular file", leaves it out, and ends well
(OpenSSH 9.2, sftp-client.c, download_dir_internal): what it leaves out is asked for by itself,
which follows the link.
"""

import logging
import re
import shutil
import subprocess
from dataclasses import dataclass
from errno import ENOSPC
from os import strerror
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

from notebake.errors import PreflightError

log = logging.getLogger(__name__)
SFTP_SECONDS = 6 * 3600
FULL_BELOW_BYTES = 2**20
"""With less room than this a transfer that failed has failed for lack of room."""
MOST_ROUNDS = 3
"""How deep links may lead to folders with links in them."""
MOST_NAMES = 5
OPTIONS = ("BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=30", "ServerAliveCountMax=4")
LEFT_OUT = re.compile(r'^download "(.*)": not a regular file$', re.MULTILINE)
LEADS_NOWHERE = re.compile(
    r"^(stat remote: No such file or directory"
    r"|File .* not found\.|download .*: not a regular file)$",
    re.MULTILINE,
)
FOLDER = re.compile(r"^Retrieving (.*)$", re.MULTILINE)
BYTE = re.compile(r"\\([0-7]{3})")


@dataclass(frozen=True)
class Brought:
    """What sftp said."""

    exit_code: int
    output: str
    errors: str


def download_by_sftp(source: str, into: Path) -> Path:
    """Return where a file or folder of an ssh server now lies.

    Links are followed; one that leads to nothing is left out, and the log says so.

    Raises:
        PreflightError: the server refused, or has no such thing; with what sftp said.
        OSError: there is no room for it.
    """
    address, target = urlsplit(source), into / "folder"
    brought = run_sftp(address, f"get -r {quoted(path_of(address))} {quoted(str(target))}")
    if brought.exit_code != 0 or not target.exists():
        raise _failure(source, brought, into)
    follow_links(source, brought, target)
    return target


def follow_links(source: str, brought: Brought, target: Path) -> None:
    """Bring what was left out of a folder.

    Raises:
        PreflightError: it may not be read, or links lead in a circle.
    """
    address, folder = urlsplit(source), FOLDER.search(brought.output)
    wanted = _below(unescaped(folder[1]), target, brought) if folder else []
    nowhere: list[str] = []
    for _ in range(MOST_ROUNDS):
        if not wanted:
            break
        lines = [f"-get -r {quoted(path)} {quoted(str(place))}" for path, place in wanted]
        brought = run_sftp(address, "\n".join(lines))
        if brought.exit_code != 0 or LEADS_NOWHERE.sub("", brought.errors).strip():
            raise _failure(source, brought, target.parent)
        nowhere += [path for path, place in wanted if not place.exists()]
        wanted = [
            inside
            for root, place in _folders(brought, wanted)
            for inside in _below(root, place, brought)
        ]
    if wanted:
        raise PreflightError(
            f"In {source} links lead to folders with links in them, perhaps in a circle:"
            f" {_some([path for path, _ in wanted])}",
            "Name the folder that holds the files themselves.",
        )
    if nowhere:
        log.warning("In %s these lead to no file and were left out: %s", source, _some(nowhere))


def _folders(brought: Brought, wanted: list[tuple[str, Path]]) -> list[tuple[str, Path]]:
    """Return where those links lead that lead to a folder, and the folder's place here."""
    # A batch's commands are echoed, each before what it says.
    told = [FOLDER.search(one) for one in brought.output.split("sftp> ")[1:]]
    pairs = zip(told, wanted, strict=True)
    return [(unescaped(one[1]), place) for one, (_, place) in pairs if one]


def _below(root: str, place: Path, brought: Brought) -> list[tuple[str, Path]]:
    """Return what was left out of a folder on the server, each with its place here."""
    start = f"{root.rstrip('/')}/"
    paths = (unescaped(one) for one in LEFT_OUT.findall(brought.errors))
    return [(one, place / one.removeprefix(start)) for one in paths if one.startswith(start)]


def unescaped(shown: str) -> str:
    """Return a path that sftp has shown: bytes that are no text here stand as three digits."""
    raw = BYTE.sub(lambda one: chr(int(one[1], 8)), shown)
    if raw == shown:
        return shown
    return raw.encode("latin-1", "replace").decode("utf-8", "surrogateescape")


def run_sftp(address: SplitResult, commands: str, seconds: float = SFTP_SECONDS) -> Brought:
    """Return what the user's own sftp said to some commands.

    Raises:
        PreflightError: there is none, or it did not end in time.
    """
    words = ["sftp", "-b", "-", *(word for one in OPTIONS for word in ("-o", one))]
    try:
        done = subprocess.run(
            [*words, f"sftp://{address.netloc}"],
            input=f"{commands}\n".encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        raise PreflightError(
            f"sftp at {address.netloc}{address.path} timed out after {seconds:g} s."
        ) from error
    except OSError as error:
        raise PreflightError(f"Could not run sftp: {error}") from error
    whole = (one.replace(b"\r\n", b"\n") for one in (done.stdout, done.stderr))
    texts = (one.decode("utf-8", "surrogateescape") for one in whole)
    return Brought(done.returncode, *texts)


def path_of(address: SplitResult) -> str:
    """Return the path on the server: sftp's own addresses are relative to the login's home."""
    return unquote(address.path).removeprefix("/") or "."


def quoted(path: str) -> str:
    """Return a path as one word of an sftp command, in which nothing is a pattern."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def way_on(source: str, said: str) -> str:
    """Return what to type after a refusal."""
    address = urlsplit(source)
    if "Host key verification failed" in said:
        return (
            "This computer does not know that server's key, or knows another one. Type this once,"
            f" and compare the key that it shows: sftp sftp://{address.netloc}"
        )
    if "Permission denied (" in said:
        return (
            "No key of this computer opens that login. See which there are: ssh-add -l; ls ~/.ssh"
            f"\nTry: sftp {source}"
        )
    return f"Try: sftp {source}"


def _failure(source: str, brought: Brought, into: Path) -> Exception:
    """Return why nothing, or not all, has come."""
    if shutil.disk_usage(into).free < FULL_BELOW_BYTES:
        return OSError(ENOSPC, strerror(ENOSPC), str(into))
    address, said = urlsplit(source), LEFT_OUT.sub("", brought.errors).strip()
    return PreflightError(
        f"Fetched {address.path} from {address.hostname}; sftp said: {said}", way_on(source, said)
    )


def _some(paths: list[str]) -> str:
    """Return the first few paths, fit to be shown."""
    shown = ", ".join(paths[:MOST_NAMES]) + (" …" if len(paths) > MOST_NAMES else "")
    return shown.encode("utf-8", "backslashreplace").decode()
