"""Executed notebooks as tests write them: cells, and what stands below them."""

import json
from typing import Any

PICTURE = {"image/png": "iVBORw0KGgo=", "text/plain": ["<Figure size 640x480 with 1 Axes>"]}


def cell(source: str, *outputs: dict[str, Any], ran: bool = True, **extra: Any) -> dict[str, Any]:
    """Return an executed code cell; its number is set by `notebook`."""
    return {
        "cell_type": "code",
        "source": source,
        "metadata": {"tags": extra.get("tags", []), "papermill": {"status": "completed"}},
        "execution_count": 1 if ran else None,
        "outputs": list(outputs),
    }


def notebook(*cells: dict[str, Any]) -> str:
    """Return an executed notebook, with a heading that is no code cell."""
    count = 0
    for cell in cells:
        if cell["execution_count"]:
            count += 1
            cell["execution_count"] = count
    heading = {"cell_type": "markdown", "source": ["# 2026\n"], "metadata": {}}
    return json.dumps({"cells": [heading, *cells], "metadata": {}, "nbformat": 4})


def printed(text: str | list[str], name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def shown(kind: str = "display_data", **content: Any) -> dict[str, Any]:
    return {"output_type": kind, "metadata": {}, "data": content.get("content", content)}


def returned(text: str) -> dict[str, Any]:
    return shown("execute_result", content={"text/plain": text})


def error(name: str, message: str) -> dict[str, Any]:
    return {"output_type": "error", "ename": name, "evalue": message, "traceback": []}
