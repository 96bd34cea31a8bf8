"""Fetches files of an archive: bounded in size and time, as they are on the server."""

import httpx

from notebake import clock
from notebake.images.updates.archives.source import ArchiveError
from notebake.timeouts import ARCHIVE_ANSWER_SECONDS, ARCHIVES_SECONDS

HEADERS = {"Accept-Encoding": "identity", "User-Agent": "notebake"}
"""What is hashed is the file itself, whatever the server could make of it on the way."""
REDIRECTS = 5
BROKEN = (httpx.NetworkError, httpx.RemoteProtocolError)
"""Connections that broke, or were refused; each file is asked for once more."""


class MissingFileError(ArchiveError):
    """The server answers, and does not have the file."""


class Downloads:
    """The downloads of one check, which all end by the same time.

    Raises:
        ArchiveError: the proxy that this computer is set to is none that httpx can use.
    """

    def __init__(self) -> None:
        try:
            self.client = httpx.Client(
                timeout=ARCHIVE_ANSWER_SECONDS,
                follow_redirects=True,
                headers=HEADERS,
                max_redirects=REDIRECTS,
            )
        except (ValueError, ImportError, httpx.InvalidURL) as error:
            raise ArchiveError(f"the proxy of this computer cannot be used: {error}") from None
        self.until = clock.elapsed() + ARCHIVES_SECONDS

    def __enter__(self) -> "Downloads":
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()

    def fetch(self, url: str, limit_bytes: int) -> bytes:
        """Return a file of at most so many bytes.

        Raises:
            MissingFileError: there is none.
            ArchiveError: it was not to be had.
        """
        try:
            return self.request(url, limit_bytes)
        except BROKEN:
            # A server may close a connection that it has kept, just when it is used again.
            pass
        try:
            return self.request(url, limit_bytes)
        except BROKEN as error:
            raise ArchiveError(f"GET {url}: {type(error).__name__}: {error}") from None

    def request(self, url: str, limit_bytes: int) -> bytes:
        """Return a file by one request; the errors in BROKEN are left to the caller."""
        tried = f"GET {url}"
        try:
            with self.client.stream("GET", url) as answer:
                if answer.status_code in (httpx.codes.NOT_FOUND, httpx.codes.GONE):
                    raise MissingFileError(f"{tried}: {status_of(answer)}")
                if answer.status_code != httpx.codes.OK:
                    raise ArchiveError(f"{tried}: {status_of(answer)}")
                return self.read(answer, tried, limit_bytes)
        except httpx.TimeoutException:
            raise ArchiveError(f"{tried}: no answer for {ARCHIVE_ANSWER_SECONDS} s") from None
        except BROKEN:
            raise
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise ArchiveError(f"{tried}: {type(error).__name__}: {error}") from None

    def read(self, answer: httpx.Response, tried: str, limit_bytes: int) -> bytes:
        """Return the body of an answer."""
        content = bytearray()
        for piece in answer.iter_raw():
            content += piece
            if len(content) > limit_bytes:
                raise ArchiveError(f"{tried}: more than {limit_bytes} bytes")
            if clock.elapsed() > self.until:
                raise ArchiveError(f"{tried}: not complete after {ARCHIVES_SECONDS} s")
        return bytes(content)


def status_of(answer: httpx.Response) -> str:
    """Return how an answer begins, for a message."""
    return f"{answer.status_code} {answer.reason_phrase}".strip()
