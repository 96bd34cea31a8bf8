"""The pages of an index of Python packages, as HTML and as JSON.

https://packaging.python.org/en/latest/specifications/simple-repository-api/
"""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from html import escape
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class IndexFile:
    """A file of a release in the index."""

    name: str
    version: str
    file_name: str
    content: bytes
    metadata: bytes
    uploaded_at: datetime | None
    yanked: str | None
    requires_python: str

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def write_page(folder: Path, as_json: dict[str, Any], links: str) -> None:
    """Write both forms of a page."""
    (folder / "index.json").write_text(json.dumps(as_json))
    (folder / "index.html").write_text(f"<!DOCTYPE html><html><body>\n{links}</body></html>\n")


def project_json(project: str, files: Iterable[IndexFile]) -> dict[str, Any]:
    """Return a project's page as JSON."""
    listed = [
        {
            "filename": file.file_name,
            "url": f"/files/{file.file_name}",
            "hashes": {"sha256": file.sha256},
            "size": len(file.content),
            "yanked": file.yanked if file.yanked is not None else False,
            **({"requires-python": file.requires_python} if file.requires_python else {}),
            **(
                {"upload-time": f"{file.uploaded_at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"}
                if file.uploaded_at
                else {}
            ),
            "core-metadata": core_metadata(file),
        }
        for file in files
    ]
    versions = list(dict.fromkeys(file.version for file in files))
    meta = {"api-version": "1.1"}
    return {"meta": meta, "name": project, "versions": versions, "files": listed}


def core_metadata(file: IndexFile) -> dict[str, str] | bool:
    """Return what the index says of a file's metadata beside it (PEP 658)."""
    if not file.file_name.endswith(".whl"):
        return False
    return {"sha256": hashlib.sha256(file.metadata).hexdigest()}


def project_html(files: Iterable[IndexFile]) -> str:
    """Return the links of a project's page."""
    lines = []
    for file in files:
        attributes = f'href="/files/{file.file_name}#sha256={file.sha256}"'
        if file.requires_python:
            attributes += f' data-requires-python="{escape(file.requires_python)}"'
        if file.yanked is not None:
            attributes += f' data-yanked="{escape(file.yanked)}"'
        lines.append(f"<a {attributes}>{file.file_name}</a>\n")
    return "".join(lines)
