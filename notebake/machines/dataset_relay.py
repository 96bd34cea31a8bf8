"""Datasets that this worker brings to the host: the host never sees their source's credentials.

A file goes as it is. Of a folder, large files go one by one and the others in archives: each file
by itself costs several round trips.
"""

import hashlib
import logging
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from shlex import quote

from notebake.aws.s3_download import download_objects
from notebake.commands.datasets import staging_path
from notebake.errors import PreflightError
from notebake.local.home import is_disk_full, scratch_directory
from notebake.machines.dataset_sftp import download_by_sftp
from notebake.recipe import Dataset
from notebake.ssh import file_transfer
from notebake.ssh import remote as ssh
from notebake.ssh.host import Host

log = logging.getLogger(__name__)
LARGE_BYTES = 16 * 2**20
"""A file of that size is brought by itself, and gone on with where a line broke."""
BATCH_BYTES = 64 * 2**20
UNPACK_SECONDS = 600


@dataclass(frozen=True)
class Batch:
    """Some files of a folder; what it holds gives it its name, so that it is brought once."""

    files: tuple[Path, ...]
    name: str
    is_large: bool = False


def relay_dataset(host: Host, dataset: Dataset, region: str) -> None:
    """Bring a dataset to its staging path on the host, with a list of its checksums.

    Raises:
        PreflightError: the source does not give it, or it cannot be kept here.
        HomeError: there is no room for it here.
    """
    log.info("Dataset %s: fetching %s to this computer", dataset.name, dataset.source)
    with scratch_directory() as scratch:
        try:
            if dataset.source.startswith("s3://"):
                local = download_objects(dataset.source, scratch, region)
            else:
                local = download_by_sftp(dataset.source, scratch)
        except OSError as error:
            if is_disk_full(error):
                raise
            raise PreflightError(
                f"The dataset {dataset.name} at {dataset.source} cannot be kept here: {error}"
            ) from error
        staged = staging_path(dataset)
        digests = {path: digest_file(path) for path in files_of(local)}
        log.info("Dataset %s: bringing %d files to the host", dataset.name, len(digests))
        if local.is_dir():
            send_folder(host, local, staged, digests)
        else:
            file_transfer.put_path(host, local, staged)
        listed = checksums(local, Path(staged).name, digests)
        file_transfer.put_file(host, f"{staged}.sha256", listed)


def send_folder(host: Host, local: Path, staged: str, digests: dict[Path, str]) -> None:
    """Bring a folder; what an earlier try has brought whole of the same content is there."""
    sent = quote(f"{staged}.sent")
    listed = ssh.run_command(host, f"mkdir --parents {quote(staged)} {sent} && ls {sent}")
    done = set(listed.split())
    archive = local.parent / "archive"
    for batch in batches(local, digests):
        if batch.name in done:
            continue
        if batch.is_large:
            (path,) = batch.files
            file_transfer.put_path(
                host, path, f"{staged}/{path.relative_to(local)}", make_parents=True
            )
            unpack = ""
        else:
            pack(archive, local, batch.files)
            file_transfer.put_path(host, archive, f"{staged}.tar")
            tar = quote(f"{staged}.tar")
            unpack = f"tar --extract --file={tar} --directory={quote(staged)} && rm {tar} && "
        command = f"{unpack}touch {sent}/{batch.name}"
        ssh.run_command(host, command, timeout_seconds=UNPACK_SECONDS)


def batches(local: Path, digests: dict[Path, str]) -> Iterator[Batch]:
    """Yield all that is in a folder, empty directories too, in the same order each time."""
    pending: list[Path] = []
    size = 0
    for path in sorted(local.rglob("*")):
        is_file = path in digests
        length = path.stat().st_size if is_file else 0
        if length >= LARGE_BYTES and is_text(path):
            yield Batch((path,), name_of(local, [path], digests), is_large=True)
            continue
        if pending and size + length > BATCH_BYTES:
            yield Batch(tuple(pending), name_of(local, pending, digests))
            pending, size = [], 0
        pending.append(path)
        size += length
    if pending:
        yield Batch(tuple(pending), name_of(local, pending, digests))


def is_text(path: Path) -> bool:
    """Tell whether a name is UTF-8, as ssh wants it; another one goes into an archive."""
    return not any("\udc80" <= one <= "\udcff" for one in str(path))


def name_of(local: Path, paths: list[Path], digests: dict[Path, str]) -> str:
    """Return a name that says what these files are called, and what they hold."""
    whole = hashlib.sha256()
    for path in paths:
        whole.update(f"{digests.get(path, '')} {path.relative_to(local)}\0".encode("utf-8", NAMES))
    return whole.hexdigest()


def pack(archive: Path, local: Path, paths: tuple[Path, ...]) -> None:
    """Write an archive that is the same for the same files, whenever they were fetched."""
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as packed:
        for path in paths:
            entry = packed.gettarinfo(path, str(path.relative_to(local)))
            entry.mtime, entry.mode = 0, 0o755 if path.is_dir() else 0o644
            entry.uid = entry.gid = 0
            entry.uname = entry.gname = ""
            if entry.isreg():
                with path.open("rb") as content:
                    packed.addfile(entry, content)
            else:
                packed.addfile(entry)


NAMES = "surrogateescape"
"""How Python keeps names that are no UTF-8 (PEP 383)."""


def files_of(local: Path) -> list[Path]:
    """Return a file, or those of a folder."""
    every = [local] if local.is_file() else local.rglob("*")
    return sorted(path for path in every if path.is_file())


def checksums(local: Path, name: str, digests: dict[Path, str]) -> bytes:
    """Return the list that sha256sum --check reads, relative to a folder, or for one file."""
    lines = []
    for path, digest in digests.items():
        shown = name if path == local else str(PurePosixPath(path.relative_to(local)))
        # As sha256sum writes names that would break its lines (GNU coreutils manual, md5sum).
        escaped = shown.replace("\\", "\\\\").replace("\n", "\\n")
        mark = "\\" if escaped != shown else ""
        lines.append(f"{mark}{digest}  {escaped}\n")
    return "".join(lines).encode("utf-8", NAMES)


def digest_file(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
