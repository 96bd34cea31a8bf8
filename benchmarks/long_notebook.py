"""A notebook with much output, and what it costs to judge it and to make its page.

`python -m benchmarks.long_notebook KIND MEGABYTES` tells that as JSON, of a process of its own.
"""

import base64
import json
import random
import sys
import time
from typing import Any

from benchmarks.peak_memory import peak_kib
from notebake.notebook.html import render_html
from notebake.notebook.judge import judge_notebook
from notebake.notebook.verdict import ExecutionStatus
from notebake.recipe import Notebook
from tests.kills.executed_notebook import EXECUTED

LINE = "step 12345: chlorophyll 0.123456 mg/m3, 98.7 % of the sea\n"
COLOURED = "\x1b[31mwarm\x1b[0m 1.5\n"
ROW = "<tr><td>1.5</td><td>0.25</td></tr>\n"
FIGURE_BYTES = 75_000


def executed_with(megabytes: float, kind: str) -> str:
    """Return the scripted hosts' executed notebook with so much more output of a kind."""
    notebook = json.loads(EXECUTED)
    count = int(megabytes * 1e6)
    notebook["cells"][3]["outputs"] += outputs_of(kind, count)
    return json.dumps(notebook)


def outputs_of(kind: str, count: int) -> list[dict[str, Any]]:
    """Return outputs of so many bytes."""
    if kind == "figures":
        # The same each time, and as little compressible as a picture.
        drawn = random.Random(1)  # noqa: S311
        size = FIGURE_BYTES * 4 // 3
        pictures = [drawn.randbytes(FIGURE_BYTES) for _ in range(max(1, count // size))]
        return [_shown("image/png", base64.b64encode(picture).decode()) for picture in pictures]
    if kind == "table":
        return [_shown("text/html", f"<table>{ROW * (count // len(ROW))}</table>")]
    line = COLOURED if kind == "colours" else LINE
    text = line * (count // len(json.dumps(line)))
    return [{"output_type": "stream", "name": "stdout", "text": text}]


def _shown(kind: str, content: str) -> dict[str, Any]:
    return {"output_type": "display_data", "metadata": {}, "data": {kind: content}}


def main() -> int:
    """Judge it and make its page."""
    kind, megabytes = sys.argv[1], float(sys.argv[2])
    small, executed = executed_with(0, kind), executed_with(megabytes, kind)
    measure_page(small)
    loaded_kib = peak_kib()
    began = time.process_time()
    measure_page(executed)
    measured = {
        "seconds": time.process_time() - began,
        "mib": (peak_kib() - loaded_kib) / 1024,
        "mb": len(executed) / 1e6,
    }
    sys.stdout.write(json.dumps(measured) + "\n")
    return 0


def measure_page(executed: str) -> None:
    """Do what is done to a notebook that has come home."""
    judge_notebook(executed, Notebook(), ExecutionStatus(exit_code=0, seconds=1.0))
    render_html(executed, "ocean")


if __name__ == "__main__":
    raise SystemExit(main())
