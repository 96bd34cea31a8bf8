"""The index of an archive: which versions of packages it has."""

import bz2
import gzip
import hashlib
import lzma
import re
import zlib
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from io import BufferedIOBase, BytesIO

from debian.deb822 import Packages
from debian.debian_support import Version

from notebake.images.updates.archives.download import Downloads, MissingFileError
from notebake.images.updates.archives.release import Release
from notebake.images.updates.archives.source import ArchiveError, Source

LARGEST_INDEX_BYTES = 1_000_000_000
"""Of one that is unpacked; Debian's main has fifty million."""
NAME = re.compile(rb"^Package:[ \t]*(\S+)[ \t]*$", re.MULTILINE | re.IGNORECASE)


OPENERS: dict[str, Callable[[BytesIO], BufferedIOBase]] = {
    ".xz": lzma.LZMAFile,
    ".gz": lambda packed: gzip.GzipFile(fileobj=packed),
    ".bz2": bz2.BZ2File,
}
"""How an index may be packed, the smallest first."""


@dataclass(frozen=True)
class Available:
    """A version of a package in an index."""

    name: str
    version: Version
    architecture: str
    source: str
    phased_percentage: int | None
    """The share of machines that get it already; None: all."""


def index_folders(source: Source, release: Release, component: str) -> Iterator[str]:
    """Yield the folders of a component with an index that this image reads."""
    offered = release.fields.get("architectures", "").split()
    for architecture in source.architectures:
        if not offered or architecture in offered:
            yield f"{component}/binary-{architecture}"
    unused = release.fields.get("no-support-for-architecture-all", "").split()
    if "all" in offered and "Packages" not in unused:
        yield f"{component}/binary-all"


def fetch_index(source: Source, release: Release, folder: str, get: Downloads) -> bytes:
    """Return the content of the index in a folder of the release, verified.

    Raises:
        ArchiveError: the release has no such index, or the archive has another one.
    """
    plain = f"{folder}/Packages" if folder else "Packages"
    name = next((plain + end for end in (*OPENERS, "") if plain + end in release.files), "")
    if not name:
        raise ArchiveError(f"{release.base}: its release names no index {plain}")
    digest, size = release.files[name]
    content = fetch_file(source, release, name, get)
    if len(content) != size or hashlib.sha256(content).hexdigest() != digest:
        raise ArchiveError(
            f"GET {release.base}/{name}: it is not the file that the release has signed:"
            f" {len(content)} bytes instead of {size}, or another SHA-256"
        )
    if name == plain:
        return content
    limit = release.files.get(plain, ("", LARGEST_INDEX_BYTES))[1]
    try:
        return unpack(content, OPENERS[name.removeprefix(plain)], limit)
    except (OSError, EOFError, zlib.error, lzma.LZMAError) as error:
        raise ArchiveError(f"{release.base}/{name} cannot be unpacked: {error}") from None


def fetch_file(source: Source, release: Release, name: str, get: Downloads) -> bytes:
    """Return a file of a release, by its hash if the archive offers that: no update replaces it."""
    digest, size = release.files[name]
    if source.by_hash and release.says("acquire-by-hash"):
        folder, slash, _ = name.rpartition("/")
        try:
            return get.fetch(f"{release.base}/{folder}{slash}by-hash/SHA256/{digest}", size)
        except MissingFileError:
            pass
    return get.fetch(f"{release.base}/{name}", size)


def unpack(packed: bytes, opener: Callable[[BytesIO], BufferedIOBase], limit_bytes: int) -> bytes:
    """Return the content of a packed file, if it is complete and not longer than that."""
    with opener(BytesIO(packed)) as file:
        found = file.read(limit_bytes + 1)
    if len(found) > limit_bytes:
        raise EOFError(f"it is longer than {limit_bytes} bytes")
    return found


def read_index(content: bytes, names: Container[str]) -> Iterator[Available]:
    """Yield the versions of these packages in an index; all others are passed by unread.

    Raises:
        ArchiveError: what it says of one of them cannot be read.
    """
    for block in content.split(b"\n\n"):
        found = NAME.search(block)
        if found and found[1].decode(errors="replace") in names:
            try:
                yield available_of(Packages(block))
            except (KeyError, ValueError) as error:
                raise ArchiveError(
                    f"the index says nothing usable of {found[1]!r}: {error}"
                ) from None


def available_of(stanza: Packages) -> Available:
    """Return the version that a stanza of an index describes."""
    phased = stanza.get("Phased-Update-Percentage")
    return Available(
        name=stanza["Package"],
        version=Version(stanza["Version"]),
        architecture=stanza["Architecture"],
        source=stanza.get("Source", stanza["Package"]).partition(" ")[0],
        phased_percentage=int(phased) if phased is not None else None,
    )
