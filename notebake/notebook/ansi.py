"""Terminal colours as HTML, converted in pieces so that the time grows linearly with the text.

nbconvert's own filter copies the rest of the text at every change of colour (7.17,
filters/ansi.py): 20 MB of coloured output would take it an hour.
"""

import re
from collections.abc import Iterator

PIECE_CHARACTERS = 4096
COLOUR = re.compile(r"\x1b\[([0-9;]*)m")
RESETS = {"", "0"}
KEPT_COLOURS = 32
"""How many colour codes since the last reset a piece passes on to the next: the latest ones."""


def ansi_to_html(text: object) -> str:
    """Return a text, escaped, with its colours as <span> elements."""
    from nbconvert.filters import ansi2html

    return "".join(ansi2html(piece) for piece in _pieces(str(text)))


def _pieces(text: str) -> Iterator[str]:
    """Yield a text in pieces that end before a colour code and begin with the active ones."""
    active: list[str] = []
    begin = 0
    while begin < len(text):
        end = text.find("\x1b", begin + PIECE_CHARACTERS)
        piece = text[begin : end if end > 0 else len(text)]
        yield "".join(active) + piece
        for code in COLOUR.finditer(piece):
            active = [] if code[1] in RESETS else [*active[-KEPT_COLOURS:], code[0]]
        begin += len(piece)
