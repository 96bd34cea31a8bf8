"""Stamps of checkpoints by a time-stamping authority: by when a checkpoint existed (RFC 3161).

A stamp is over the stored bytes of a checkpoint, and lies beside it. Whoever has the store and the
key cannot make an earlier one. Anybody can verify it, without notebake:

    openssl ts -verify -data 00000001.json -in 00000001.tsr -CAfile ROOTS
"""

import importlib.util
import logging
import os
import re
from pathlib import Path

import httpx
from cryptography.x509 import Certificate, load_pem_x509_certificates

from notebake.errors import NotebakeError
from notebake.ledger.chain import RecordPlace
from notebake.ledger.checkpoint import Checkpoint, key_of
from notebake.ledger.entry import CHECKPOINTS

log = logging.getLogger(__name__)
VARIABLE = "NOTEBAKE_TIMESTAMP_SERVER"
SUFFIX = ".tsr"
STAMP_KEY = re.compile(CHECKPOINTS + r"/(?P<number>[0-9]{8})\.tsr")
REQUEST = {"Content-Type": "application/timestamp-query"}
SERVER_SECONDS = 60.0
INSTALL = "Type: pip install 'notebake[stamps]'"


class StampError(NotebakeError):
    """A checkpoint was made and is not stamped, or its stamp cannot be read here."""


def stamp_server() -> str:
    """Return the address of the authority that stamps checkpoints; "" if none is wanted."""
    return os.environ.get(VARIABLE, "")


def stamp_checkpoint(checkpoint: Checkpoint, place: RecordPlace) -> None:
    """Have a checkpoint stamped, and store that, if an authority is configured.

    Raises:
        StampError: the authority did not answer, or refused; the checkpoint stays.
        RunStoreError: the store failed.
    """
    if server := stamp_server():
        stamp = request_stamp(checkpoint.content, server)
        key = key_of(checkpoint.number).removesuffix(".json") + SUFFIX
        place.store.create(place.prefix + key, stamp)


def check_library() -> None:
    """Raise StampError if the library that asks for stamps and reads them is missing."""
    if importlib.util.find_spec("rfc3161_client") is None:
        raise StampError("Stamps need the library rfc3161-client.", INSTALL)


def request_stamp(content: bytes, server: str) -> bytes:
    """Return a stamp of some bytes: the response of the authority, as openssl takes it.

    Only a hash is sent. Raises as `stamp_checkpoint` does.
    """
    check_library()
    from rfc3161_client import TimestampRequestBuilder, decode_timestamp_response

    question = TimestampRequestBuilder().data(content).build()
    try:
        answer = httpx.post(
            server, content=question.as_bytes(), headers=REQUEST, timeout=SERVER_SECONDS
        )
        answer.raise_for_status()
        response = decode_timestamp_response(answer.content)
        if response.status != 0:
            raise ValueError(f"status {response.status}: {', '.join(response.status_string)}")
        if response.tst_info.nonce != question.nonce:
            raise ValueError("it answers another request")
    except (httpx.HTTPError, httpx.InvalidURL, ValueError) as error:
        raise StampError(
            f"Tried to have the checkpoint stamped by {server}; it gave no stamp: {error}",
            "The checkpoint is made. The next one is stamped if the server answers, and covers it.",
        ) from error
    return answer.content


def read_stamps(place: RecordPlace) -> dict[int, bytes]:
    """Return the stored stamps by the numbers of their checkpoints."""
    return {
        int(found["number"]): content
        for key, content in place.read_below(CHECKPOINTS).items()
        if (found := STAMP_KEY.fullmatch(key))
    }


def read_roots(path: str) -> list[Certificate]:
    """Return the certificates in a file.

    Raises:
        NotebakeError: it cannot be read, or has none.
    """
    try:
        return load_pem_x509_certificates(Path(path).read_bytes())
    except (OSError, ValueError) as error:
        raise NotebakeError(
            f"Tried to read the certificates of the authority in {path}: {error}",
            "Name a file with its root certificate in PEM, as the authority publishes it.",
        ) from error
