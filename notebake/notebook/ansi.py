"""The colours of a terminal, as HTML: in pieces, so that much output costs what it holds.

nbconvert's own filter copies all that is left of a text for every change of colour (7.17,
filters/ansi.py): twenty coloured megabytes would take it an hour.
"""

import re
from collections.abc import Iterator

PIECE_CHARACTERS = 4096
COLOUR = re.compile(r"\x1b\[([0-9;]*)m")
RESETS = {"", "0"}
KEPT_COLOURS = 32
"""How many changes since the last reset are told to the next piece: the latest ones count."""


def ansi_to_html(text: object) -> str:
    """Return a text, escaped, with its colours as spans."""
    from nbconvert.filters import ansi2html

    return "".join(ansi2html(piece) for piece in _pieces(str(text)))


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that end before a change, each beginning with the colour it is in."""
    active: list[str] = []
    begin = 0
    while begin < len(text):
        end = text.find("\x1b", begin + PIECE_CHARACTERS)
        piece = text[begin : end if end > 0 else len(text)]
        yield "".join(active) + piece
        for change in COLOUR.finditer(piece):
            active = [] if change[1] in RESETS else [*active[-KEPT_COLOURS:], change[0]]
        begin += len(piece)
