"""The notebook as papermill leaves it on every scripted host."""

import json

from notebake.notebook.recipe_notebook import SMOKE_VERDICT

# One grey dot: as small as a figure can be.
FIGURE = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII="
)


def _cell(count: int, *outputs: dict[str, object]) -> dict[str, object]:
    return {
        "cell_type": "code",
        "execution_count": count,
        "id": f"cell-{count}",
        "metadata": {"tags": []},
        "outputs": list(outputs),
        "source": f"step({count}, mount_points)",
    }


def _printed(text: str) -> dict[str, object]:
    return {"output_type": "stream", "name": "stdout", "text": text}


def _figure() -> dict[str, object]:
    return {"output_type": "display_data", "metadata": {}, "data": {"image/png": FIGURE}}


DEFAULTS = _cell(1, _printed("chlorophyll 0.25\n")) | {
    "metadata": {"tags": ["parameters"]},
    "source": 'mount_points = ""',
}
EXECUTED = json.dumps(
    {
        "cells": [
            DEFAULTS,
            _cell(2, _figure()),
            _cell(3, _figure()),
            _cell(4, _printed("mean 1.5\n")),
            _cell(5, _printed(SMOKE_VERDICT + "\n")),
        ],
        "metadata": {},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
)
