"""The figures of an executed notebook, as pictures inside a Markdown artifact.

Prefect serves no files, and shows a picture that is part of the text itself.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

from notebake.notebook.figures import data_of, text_in

MOST_FIGURES = 6
MOST_CHARACTERS = 400_000
"""For each figure, in base64; the text is kept in Prefect's database."""
BASE64 = re.compile(r"[A-Za-z0-9+/]+={0,2}")


def figures_in_markdown(executed: bytes) -> Iterator[str]:
    """Yield a line for each of the first figures; then one about those that are left out."""
    pictures = list(_pictures(executed))
    shown = [each for each in pictures if len(each) <= MOST_CHARACTERS][:MOST_FIGURES]
    for number, picture in enumerate(shown, start=1):
        yield f"![Figure {number}](data:image/png;base64,{picture})\n"
    if left_out := len(pictures) - len(shown):
        yield f"{left_out} more in the notebook's page.\n"


def _pictures(executed: bytes) -> Iterator[str]:
    """Yield the PNG pictures of a notebook in base64; none of what is no notebook."""
    try:
        cells = json.loads(executed)["cells"]
        outputs = [output for cell in cells for output in cell.get("outputs", ())]
    except (ValueError, KeyError, TypeError, AttributeError):
        return
    for output in outputs:
        data: dict[str, Any] = data_of(output) if isinstance(output, dict) else {}
        picture = "".join(text_in(data, "image/png").split())
        if BASE64.fullmatch(picture):
            yield picture
