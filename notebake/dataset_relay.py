"""Datasets that this worker brings to the host: the host never sees their source's credentials."""

import errno
import hashlib
import os
import shutil
import subprocess
from pathlib import Path
from shlex import quote
from urllib.parse import urlsplit

from notebake import host as ssh
from notebake.aws.objects import download_objects
from notebake.commands.datasets import staging_path
from notebake.errors import PreflightError
from notebake.home import scratch_directory
from notebake.recipe import Dataset
from notebake.records import Host

SFTP_SECONDS = 6 * 3600
FULL_BELOW_BYTES = 2**20
"""With less room than this a transfer that failed has failed for lack of room."""


def relay_dataset(host: Host, dataset: Dataset, region: str) -> None:
    """Bring a dataset to its staging path on the host, with a list of its checksums."""
    with scratch_directory() as scratch:
        if dataset.source.startswith("s3://"):
            local = download_objects(dataset.source, scratch, region)
        else:
            local = download_by_sftp(dataset.source, scratch)
        staged = staging_path(dataset)
        if local.is_dir():
            owner = f"--owner={quote(host.user)} --group={quote(host.user)}"
            make_folder = f"sudo install --directory {owner} {quote(staged)}"
            ssh.run_command(host, f"sudo rm --recursive --force {quote(staged)} && {make_folder}")
            for path in sorted(one for one in local.rglob("*") if one.is_file()):
                ssh.put_path(host, path, f"{staged}/{path.relative_to(local)}", make_parents=True)
        else:
            ssh.put_path(host, local, staged)
        listed = checksums(local, Path(staged).name)
        ssh.run_command(host, ssh.write_as_root(f"{staged}.sha256", listed, "0644"))


def download_by_sftp(source: str, into: Path) -> Path:
    """Return where a file or folder of an ssh server now lies, brought by the user's own sftp.

    Raises:
        PreflightError: the server refused, or has no such thing; with what sftp said.
        OSError: there is no room for it.
    """
    address = urlsplit(source)
    target = into / "folder"
    command = ["sftp", "-r", "-o", "BatchMode=yes", source, str(target)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=SFTP_SECONDS, check=False
    )
    if done.returncode != 0 or not target.exists():
        if shutil.disk_usage(into).free < FULL_BELOW_BYTES:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(into))
        raise PreflightError(
            f"Fetched {address.path} from {address.hostname}; sftp said: {done.stderr.strip()}",
            f"Try: sftp {source}",
        )
    return target


def checksums(local: Path, name: str) -> str:
    """Return the list that sha256sum --check reads, relative to a folder, or for one file."""
    if local.is_file():
        return f"{digest_file(local)}  {name}\n"
    files = sorted(one for one in local.rglob("*") if one.is_file())
    return "".join(f"{digest_file(one)}  {one.relative_to(local)}\n" for one in files)


def digest_file(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
