"""The texts in a file's content: all of a text, and of other files what stands around their words.

A file with data is searched only around what may be an AWS key or a private key; whatever else is
no text also around the beginnings of other known tokens.
"""

from collections.abc import Iterable, Iterator

from notebake.credentials.engine_input import OVERLAP, EngineInput

Blocks = Iterable[tuple[int, bytes]]
"""Pieces of one file with their offsets, in order; between them there may be holes."""

DATA_MAGIC = (
    b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF", b"GRIB", b"\x93NUMPY", b"PAR1", b"II*\0",
    b"MM\0*", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"BZh",
    b"\x28\xb5\x2f\xfd", b"hsqs",
)  # fmt: skip
"""How data formats and compressed files begin."""
IN_DATA = (b"AKIA", b"ASIA", b"PRIVATE KEY", b"PuTTY-User-Key")
IN_BINARY = (
    *IN_DATA, b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"glpat-", b"hf_",
    b"xox", b"xapp-", b"pypi-AgE", b"npm_", b"sk-", b"AIza", b"GOCSPX-", b"AccountKey=", b"token=",
    b"/t/", b"dapi", b"sk_live_", b"dckr_", b"eyJ", b"AGE-SECRET-KEY",
)  # fmt: skip
BEFORE = 200
"""So much before such a word is shown to the engine, and OVERLAP after it."""
HEAD_BYTES = 8192
"""By so much of its beginning a file is told to be text."""


def add_content(stream: EngineInput, path: str, label: str, blocks: Blocks) -> None:
    """Give the engine what is to be searched of one file."""
    waiting = iter(blocks)
    first = next(waiting, None)
    if first is None:
        return
    head = first[1][:HEAD_BYTES]
    whole = _chained(first, waiting)
    if head.startswith(DATA_MAGIC):
        _put_around(stream, path, label, whole, IN_DATA)
    elif b"\0" in head and not head.startswith(b"SQLite format 3"):
        _put_around(stream, path, label, whole, IN_BINARY)
    else:
        _put_text(stream, path, label, whole)


def _chained(first: tuple[int, bytes], rest: Iterator[tuple[int, bytes]]) -> Blocks:
    yield first
    yield from rest


def _put_text(stream: EngineInput, path: str, label: str, blocks: Blocks) -> None:
    tail, line = b"", 1
    for _, block in blocks:
        text = tail + block
        if text.strip(b"\0"):
            stream.put_text(path, label, text, line)
        tail = text[-OVERLAP:]
        line += text.count(b"\n") - tail.count(b"\n")


def _put_around(
    stream: EngineInput, path: str, label: str, blocks: Blocks, words: tuple[bytes, ...]
) -> None:
    tail, end = b"", 0
    for offset, block in blocks:
        content = tail + block if offset == end else block
        end = offset + len(block)
        start = end - len(content)
        for first, last in windows(content, words):
            stream.put_bytes(path, label, content[first:last], start + first)
        tail = content[-OVERLAP:]


def windows(content: bytes, words: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    """Give where in a content the words stand, with what is around them, joined and in order."""
    places = sorted(_places(content, words))
    start = end = 0
    for place in places:
        if place - BEFORE > end:
            if end:
                yield start, end
            start = max(0, place - BEFORE)
        end = min(len(content), place + OVERLAP)
    if end:
        yield start, end


def _places(content: bytes, words: tuple[bytes, ...]) -> Iterator[int]:
    for word in words:
        place = content.find(word)
        while place >= 0:
            yield place
            place = content.find(word, place + 1)
