"""Datasets that this worker copies to the host: the host never sees the source's credentials.

A single file is copied as it is. Of a folder, large files are copied one by one and the others in
archives, as each file costs several round trips.
"""

import logging
from pathlib import Path
from shlex import quote

from notebake.aws.s3_download import download_objects
from notebake.commands.datasets import staging_path
from notebake.errors import PreflightError
from notebake.local.home import is_disk_full, scratch_directory
from notebake.machines.dataset_batches import (
    digest_file,
    format_checksums,
    list_files,
    make_batches,
    pack,
)
from notebake.machines.dataset_sftp import download_by_sftp
from notebake.recipe import Dataset
from notebake.ssh import file_transfer
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host

log = logging.getLogger(__name__)
UNPACK_SECONDS = 600


def relay_dataset(host: Host, dataset: Dataset, region: str) -> None:
    """Copy a dataset to its staging path on the host, with a list of its checksums.

    Raises:
        PreflightError: the source refused, or the files cannot be written here.
        HomeError: the local disk is full.
    """
    log.info("Dataset %s: fetching %s to this computer", dataset.name, dataset.source)
    with scratch_directory() as scratch:
        local = _download(dataset, scratch, region)
        staged = staging_path(dataset)
        digests = {path: digest_file(path) for path in list_files(local)}
        log.info("Dataset %s: copying %d files to the host", dataset.name, len(digests))
        if local.is_dir():
            send_folder(host, local, staged, digests)
        else:
            file_transfer.put_path(host, local, staged)
        checksums = format_checksums(local, Path(staged).name, digests)
        file_transfer.put_file(host, f"{staged}.sha256", checksums)


def _download(dataset: Dataset, scratch: Path, region: str) -> Path:
    try:
        if dataset.source.startswith("s3://"):
            return download_objects(dataset.source, scratch, region)
        return download_by_sftp(dataset.source, scratch)
    except OSError as error:
        if is_disk_full(error):
            raise
        raise PreflightError(
            f"The dataset {dataset.name} at {dataset.source} cannot be written here: {error}"
        ) from error


def send_folder(host: Host, local: Path, staged: str, digests: dict[Path, str]) -> None:
    """Copy a folder, without the batches that an earlier try has copied completely."""
    sent = quote(f"{staged}.sent")
    listed = ssh.run_command(host, f"mkdir --parents {quote(staged)} {sent} && ls {sent}")
    done = set(listed.split())
    archive = local.parent / "archive"
    for batch in make_batches(local, digests):
        if batch.name in done:
            continue
        if batch.is_large:
            (path,) = batch.files
            target = f"{staged}/{path.relative_to(local)}"
            file_transfer.put_path(host, path, target, make_parents=True)
            unpack = ""
        else:
            pack(archive, local, batch.files)
            file_transfer.put_path(host, archive, f"{staged}.tar")
            tar = quote(f"{staged}.tar")
            unpack = f"tar --extract --file={tar} --directory={quote(staged)} && rm {tar} && "
        command = f"{unpack}touch {sent}/{batch.name}"
        ssh.run_command(host, command, timeout_seconds=UNPACK_SECONDS)
