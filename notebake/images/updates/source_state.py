"""What the source of a dataset says of it without sending it, and what a run has kept of that."""

from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

import httpx
from pydantic import Field, ValidationError

from notebake import clock
from notebake.aws.s3_source import describe_folder, describe_object
from notebake.errors import NotebakeError, PreflightError
from notebake.images.updates.sftp_listing import parse_listing
from notebake.local.proxies import UNUSABLE_PROXY
from notebake.recipe import Dataset
from notebake.record import Record
from notebake.ssh.user_sftp import quote_path, remote_path, run_sftp
from notebake.timeouts import SOURCE_SECONDS
from notebake.timestamps import utc_from_seconds

FILE = "datasets.json"
"""The file of a run with the states of its datasets' sources."""
NO_HEAD_STATUS = {403, 405, 501}
FIRST_BYTE = {"Range": "bytes=0-0"}
CHECKSUM_HEADERS = ("Repr-Digest", "x-amz-checksum-sha256", "x-goog-hash")
"""In which servers (RFC 9530), S3 and Google's storage tell a checksum of the whole content."""
IN_UTC = {"TZ": "UTC", "LC_ALL": "C"}


class SourceState(Record):
    """A source as it was when it was asked."""

    name: str
    """Of the dataset."""
    source: str
    size: int | None = None
    """In bytes; None if the source does not say."""
    etag: str = ""
    modified: str = ""
    """UTC, as exactly as the source says it: `2026-11-23T12:00:00Z`, or a day."""
    checksum: str = ""
    """With its algorithm, of the whole content."""
    objects: int | None = None
    """How many objects a folder on S3 has."""


class KeptStates(Record):
    """What a run keeps: the states of the sources from which its datasets came."""

    sources: tuple[SourceState, ...] = Field(default=())


def ask_source(dataset: Dataset, region: str) -> SourceState:
    """Return the state of a source now.

    Raises:
        NotebakeError: it does not answer, or does not have the dataset.
    """
    if dataset.source.startswith("http"):
        return _ask_web_server(dataset)
    if dataset.source.startswith("s3://"):
        describe = describe_folder if dataset.source.endswith("/") else describe_object
        found = describe(dataset.source, region)
        return SourceState(name=dataset.name, source=dataset.source, **found.model_dump())
    return _ask_sftp_server(dataset)


def parse_states(content: bytes) -> dict[str, SourceState]:
    """Return what a run has kept, by source; nothing if this version cannot read it."""
    try:
        kept = KeptStates.model_validate_json(content)
    except ValidationError:
        return {}
    return {state.source: state for state in kept.sources}


def _ask_web_server(dataset: Dataset) -> SourceState:
    """Send HEAD, or, if that is refused, request the first byte."""
    where = dataset.source
    try:
        with httpx.Client(
            timeout=SOURCE_SECONDS, follow_redirects=True, headers={"Accept-Encoding": "identity"}
        ) as client:
            response = client.head(where)
            if response.status_code in NO_HEAD_STATUS:
                with client.stream("GET", where, headers=FIRST_BYTE) as response:
                    pass
    except UNUSABLE_PROXY as error:
        raise NotebakeError(f"{where} cannot be asked by this computer's proxy: {error}") from error
    except httpx.HTTPError as error:
        raise NotebakeError(f"{where} does not answer: {error or type(error).__name__}") from error
    if response.status_code >= 300:
        raise NotebakeError(f"{where} answers {response.status_code}.")
    headers = response.headers
    total = headers.get("Content-Range", "").rpartition("/")[2]
    length = total or ("" if response.status_code == 206 else headers.get("Content-Length", ""))
    return SourceState(
        name=dataset.name,
        source=where,
        size=int(length) if length.isdecimal() and "Content-Encoding" not in headers else None,
        etag=headers.get("ETag", ""),
        modified=_date_in(headers.get("Last-Modified", "")),
        checksum=next(
            (f"{name} {headers[name]}" for name in CHECKSUM_HEADERS if name in headers), ""
        ),
    )


def _date_in(text: str) -> str:
    """Return the date of a header (RFC 9110) in ISO 8601; "" if it is none."""
    try:
        return f"{parsedate_to_datetime(text):%Y-%m-%dT%H:%M:%SZ}"
    except ValueError:
        return ""


def _ask_sftp_server(dataset: Dataset) -> SourceState:
    address = urlsplit(dataset.source)
    command = f"ls -ln {quote_path(remote_path(address))}"
    answer = run_sftp(address, command, SOURCE_SECONDS, variables=IN_UTC)
    if answer.exit_code != 0:
        raise PreflightError(f"sftp could not list {dataset.source}: {answer.errors.strip()}")
    listed = parse_listing(answer.output, remote_path(address), utc_from_seconds(clock.now()))
    if listed is None:
        raise PreflightError(f"{dataset.source} is a folder: over sftp only a file is compared.")
    size, modified = listed
    return SourceState(name=dataset.name, source=dataset.source, size=size, modified=modified)
