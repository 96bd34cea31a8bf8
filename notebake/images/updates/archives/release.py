"""The release of an archive: what its owner has signed of a suite, and whether that is valid."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from debian.deb822 import Deb822

from notebake import clock
from notebake.images.updates.archives.download import Downloads, MissingFileError
from notebake.images.updates.archives.keyrings import TrustedKeys
from notebake.images.updates.archives.signature import shown, verify_detached, verify_inline
from notebake.images.updates.archives.source import ArchiveError, Source

LARGEST_RELEASE_BYTES = 20_000_000
FUTURE_SECONDS = 3600
"""How far this computer's clock and the archive's may be apart; apt allows 10 s."""


@dataclass(frozen=True)
class Release:
    """A verified release."""

    base: str
    """The address that its files are relative to."""
    fields: Mapping[str, str]
    """What it says of itself, with names in lower case."""
    files: Mapping[str, tuple[str, int]]
    """SHA-256 and size of each file."""

    def says(self, name: str) -> bool:
        """Return whether a field with yes or no says yes."""
        return self.fields.get(name, "").strip().lower() == "yes"


def fetch_release(source: Source, uri: str, keys: TrustedKeys | None, get: Downloads) -> Release:
    """Return the release of a source at one of its addresses; without keys none is verified.

    Raises:
        ArchiveError: it is not there, not signed as the image would accept it, or out of date.
    """
    base = f"{uri}/{source.suite}".rstrip("/") if source.is_flat else f"{uri}/dists/{source.suite}"
    text = fetch_signed(base, keys, get) if keys else fetch_unsigned(base, get)
    try:
        fields = {name.lower(): value for name, value in Deb822(text.decode()).items()}
        release = Release(base, fields, dict(map(read_file_line, listed_files(fields))))
    except (ValueError, UnicodeDecodeError) as error:
        raise ArchiveError(f"{base}: its release cannot be read: {error}") from None
    if not release.files:
        raise ArchiveError(f"{base}: its release has no SHA-256 of any file")
    check_dates(release, check_valid_until=source.check_valid_until)
    return release


def fetch_signed(base: str, keys: TrustedKeys, get: Downloads) -> bytes:
    """Return the text of a release whose signature is within it, or else beside it."""
    try:
        return verify_inline(
            get.fetch(f"{base}/InRelease", LARGEST_RELEASE_BYTES), keys, f"{base}/InRelease"
        )
    except MissingFileError as error:
        missing = str(error)
    try:
        content = get.fetch(f"{base}/Release", LARGEST_RELEASE_BYTES)
        signature = get.fetch(f"{base}/Release.gpg", LARGEST_RELEASE_BYTES)
    except MissingFileError as error:
        raise ArchiveError(f"{missing}; {error}") from None
    return verify_detached(content, signature, keys, f"{base}/Release.gpg")


def fetch_unsigned(base: str, get: Downloads) -> bytes:
    """Return the text of a release that the image takes without a signature."""
    content = get.fetch(f"{base}/Release", LARGEST_RELEASE_BYTES)
    if b":" not in content.partition(b"\n")[0]:
        raise ArchiveError(f"{base}/Release is no release; it begins {shown(content)}")
    return content


def listed_files(fields: Mapping[str, str]) -> list[str]:
    """Return the lines with the SHA-256 of files."""
    return [line for line in fields.get("sha256", "").splitlines() if line.strip()]


def read_file_line(line: str) -> tuple[str, tuple[str, int]]:
    """Return the name of a file with its SHA-256 and its size."""
    digest, size, name = line.split()
    return name, (digest.lower(), int(size))


def check_dates(release: Release, *, check_valid_until: bool) -> None:
    """Raise ArchiveError if a release is from the future, or no longer valid."""
    now = datetime.fromtimestamp(clock.now(), UTC)
    made, until = date_of(release, "date"), date_of(release, "valid-until")
    if made and (made - now).total_seconds() > FUTURE_SECONDS:
        raise ArchiveError(
            f"{release.base}: its release is dated {made:%Y-%m-%d %H:%M} UTC, in the future: one of"
            " the two clocks is wrong"
        )
    if until and until < now and check_valid_until:
        raise ArchiveError(
            f"{release.base}: its release was valid until {until:%Y-%m-%d %H:%M} UTC, and is"
            " out of date"
        )


def date_of(release: Release, name: str) -> datetime | None:
    """Return the date in a field, or None if the release has no such field."""
    value = release.fields.get(name, "").strip()
    if not value:
        return None
    try:
        found = parsedate_to_datetime(value)
    except ValueError:
        raise ArchiveError(f"{release.base}: its {name} is no date: {value[:40]!r}") from None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found
