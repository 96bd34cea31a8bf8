"""Adds a file's content to the engine's input: texts and notebooks as a whole, other files in part.

A notebook is added cell by cell. Of data files, only the surroundings of possible AWS keys and
private keys are added; of other binary files also those of the prefixes of other known tokens.
"""

import errno
import json
import os
import re
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Any

from notebake.credentials.bounded_reader import BLOCK_BYTES
from notebake.credentials.engine_input import OVERLAP, EngineInput

Blocks = Iterable[tuple[int, bytes]]
"""Pieces of one file with their offsets, in order; there may be holes between them."""

DATA_MAGIC = (
    b"CDF\x01", b"CDF\x02", b"CDF\x05", b"\x89HDF", b"GRIB", b"\x93NUMPY", b"PAR1", b"II*\0",
    b"MM\0*", b"\x89PNG", b"\xff\xd8\xff", b"\x1f\x8b", b"PK\x03\x04", b"\xfd7zXZ", b"BZh",
    b"\x28\xb5\x2f\xfd", b"hsqs",
)  # fmt: skip
"""The beginnings of data formats and compressed files."""
IN_DATA = (b"AKIA", b"ASIA", b"PRIVATE KEY", b"PuTTY-User-Key")
IN_BINARY = (
    *IN_DATA, b"ghp_", b"gho_", b"ghu_", b"ghs_", b"ghr_", b"github_pat_", b"glpat-", b"hf_",
    b"xox", b"xapp-", b"pypi-AgE", b"npm_", b"sk-", b"AIza", b"GOCSPX-", b"AccountKey=", b"token=",
    b"/t/", b"dapi", b"sk_live_", b"dckr_", b"eyJ", b"AGE-SECRET-KEY",
)  # fmt: skip
BYTES_BEFORE = 200
"""How much before such a keyword is added; after it, OVERLAP bytes."""
HEAD_BYTES = 8192
"""How much of the beginning decides whether a file is text."""


def add_content(engine: EngineInput, path: str, label: str, blocks: Blocks) -> None:
    """Add the content of one file that can contain credentials."""
    rest = iter(blocks)
    first = next(rest, None)
    if first is None:
        return
    head = first[1][:HEAD_BYTES]
    whole = chain((first,), rest)
    if head.startswith(DATA_MAGIC):
        _add_around(engine, path, label, whole, IN_DATA)
    elif b"\0" in head and not head.startswith(b"SQLite format 3"):
        _add_around(engine, path, label, whole, IN_BINARY)
    else:
        _add_text(engine, path, label, whole)


def _add_text(engine: EngineInput, path: str, label: str, blocks: Blocks) -> None:
    tail, line = b"", 1
    for _, block in blocks:
        text = tail + block
        if text.strip(b"\0"):
            engine.add_text(path, label, text, line)
        tail = text[-OVERLAP:]
        line += text.count(b"\n") - tail.count(b"\n")


def _add_around(
    engine: EngineInput, path: str, label: str, blocks: Blocks, keywords: tuple[bytes, ...]
) -> None:
    tail, end = b"", 0
    for offset, block in blocks:
        content = tail + block if offset == end else block
        end = offset + len(block)
        start = end - len(content)
        for first, last in windows(content, keywords):
            engine.add_bytes(path, label, content[first:last], start + first)
        tail = content[-OVERLAP:]


def windows(content: bytes, keywords: tuple[bytes, ...]) -> Iterator[tuple[int, int]]:
    """Yield the surroundings of the keywords, merged where they overlap and in order."""
    start = end = 0
    for place in sorted(_places(content, keywords)):
        if place - BYTES_BEFORE > end:
            if end:
                yield start, end
            start = max(0, place - BYTES_BEFORE)
        end = min(len(content), place + OVERLAP)
    if end:
        yield start, end


def _places(content: bytes, keywords: tuple[bytes, ...]) -> Iterator[int]:
    for keyword in keywords:
        place = content.find(keyword)
        while place >= 0:
            yield place
            place = content.find(keyword, place + 1)


def data_blocks(file: int, size: int) -> Iterator[tuple[int, bytes]]:
    """Yield a file in blocks with their offsets, without its holes."""
    position = 0
    while position < size:
        try:
            position = os.lseek(file, position, os.SEEK_DATA)
            end = min(os.lseek(file, position, os.SEEK_HOLE), size)
        except OSError as error:
            if error.errno == errno.ENXIO:  # only a hole follows
                return
            raise
        while position < end:
            block = os.pread(file, min(BLOCK_BYTES, end - position), position)
            if not block:
                return
            yield position, block
            position += len(block)


LARGEST_NOTEBOOK = 64 << 20
COLOURS = re.compile(r"\x1b\[[\d;]*[A-Za-z]")


def add_notebook(engine: EngineInput, path: str, label: str, content: bytes) -> bool:
    """Add all texts of a notebook; return False if the content is not a notebook."""
    try:
        texts = [(place, b"\n".join(_texts(value))) for place, value in parts_of(content)]
    except (ValueError, AttributeError, TypeError, KeyError, RecursionError):
        return False
    for place, text in texts:
        if text:
            engine.add_text(path, f"{label}, {place}" if label else place, text, 0)
    return True


def parts_of(content: bytes) -> list[tuple[str, Any]]:
    """Return the parts of a notebook with their places; handles nbformat 3 and 4."""
    notebook = json.loads(content)
    cells = [
        *notebook.pop("cells", []),
        *(cell for sheet in notebook.get("worksheets", []) for cell in sheet.pop("cells")),
    ]
    parts = [
        (f"cell {number}, {part}", cell.pop(part, None))
        for number, cell in enumerate(cells, start=1)
        for part in ("source", "input", "outputs", "attachments")
    ]
    rest = [(f"cell {number}, metadata", cell) for number, cell in enumerate(cells, start=1)]
    return [*parts, *rest, ("metadata", notebook)]


def _texts(value: Any) -> Iterator[bytes]:
    """Yield every text inside a JSON value; a list of lines is one text."""
    if isinstance(value, str):
        yield COLOURS.sub("", value).encode("utf-8", "surrogatepass")
    elif isinstance(value, list) and value and all(isinstance(item, str) for item in value):
        yield from _texts("".join(value))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        # Rules match a name together with its value, as in {"aws_secret_access_key": "…"}.
        for key, item in value.items():
            yield from _texts(f"{key}: {item}" if isinstance(item, str) else item)
