"""The user's own sftp program, with the user's ssh settings, keys and known hosts."""

import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import SplitResult, unquote, urlsplit

from notebake.errors import PreflightError

SFTP_SECONDS = 6 * 3600
OPTIONS = ("BatchMode=yes", "ConnectTimeout=15", "ServerAliveInterval=30", "ServerAliveCountMax=4")
NO_VARIABLES: Mapping[str, str] = {}


@dataclass(frozen=True)
class SftpResult:
    """The result of sftp."""

    exit_code: int
    output: str
    errors: str


def run_sftp(
    address: SplitResult,
    commands: str,
    seconds: float = SFTP_SECONDS,
    *,
    variables: Mapping[str, str] = NO_VARIABLES,
) -> SftpResult:
    """Run sftp commands on the server of the address, with these variables besides all others.

    Raises:
        PreflightError: the program is not installed, or it timed out.
    """
    words = ["sftp", "-b", "-", *(word for option in OPTIONS for word in ("-o", option))]
    try:
        done = subprocess.run(
            [*words, f"sftp://{address.netloc}"],
            input=f"{commands}\n".encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=seconds,
            check=False,
            env=dict(os.environ) | dict(variables),
        )
    except subprocess.TimeoutExpired as error:
        raise PreflightError(
            f"sftp at {address.netloc}{address.path} timed out after {seconds:g} s."
        ) from error
    except OSError as error:
        raise PreflightError(f"Could not run sftp: {error}") from error
    streams = (stream.replace(b"\r\n", b"\n") for stream in (done.stdout, done.stderr))
    texts = (stream.decode("utf-8", "surrogateescape") for stream in streams)
    return SftpResult(done.returncode, *texts)


def remote_path(address: SplitResult) -> str:
    """Return the path on the server; paths of sftp addresses are relative to the user's home."""
    return unquote(address.path).removeprefix("/") or "."


def quote_path(path: str) -> str:
    """Return the path as one word of an sftp command, without patterns."""
    return '"' + path.replace("\\", "\\\\").replace('"', '\\"') + '"'


def sftp_hint(source: str, errors: str) -> str:
    """Return the command to type after these errors of sftp."""
    address = urlsplit(source)
    if "Host key verification failed" in errors:
        return (
            "This computer does not know the host key of that server, or knows another one. Type"
            f" this once, and compare the key that it shows: sftp sftp://{address.netloc}"
        )
    if "Permission denied (" in errors:
        return (
            "The server accepts no key of this computer. To list the keys: ssh-add -l; ls ~/.ssh"
            f"\nTry: sftp {source}"
        )
    return f"Try: sftp {source}"
