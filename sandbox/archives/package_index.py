"""An index of Python packages in a folder: wheels made on request, with dates, yanked if wished.

Each page has the time of each upload and, beside each wheel, its metadata.
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from sandbox.archives.distributions import metadata_of, source_distribution, wheel
from sandbox.archives.index_pages import IndexFile, project_html, project_json, write_page
from sandbox.errors import SandboxError


class PackageIndex:
    """An index, served from `folder`; each change is there at once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.projects: dict[str, list[IndexFile]] = {}
        (folder / "simple").mkdir(parents=True, exist_ok=True)
        (folder / "files").mkdir(exist_ok=True)

    def add_release(
        self,
        name: str,
        version: str,
        requires: Iterable[str] = (),
        *,
        uploaded_at: datetime | None = None,
        yanked: str | None = None,
        requires_python: str = "",
        tag: str = "py3-none-any",
        as_source: bool = False,
    ) -> None:
        """Add a wheel, or else a source distribution; `yanked` is the reason if it is withdrawn."""
        metadata = metadata_of(name, version, requires, requires_python)
        if as_source:
            file_name = f"{plain(name).replace('-', '_')}-{version}.tar.gz"
            content = source_distribution(file_name.removesuffix(".tar.gz"), metadata)
        else:
            file_name = f"{plain(name).replace('-', '_')}-{version}-{tag}.whl"
            content = wheel(file_name, metadata)
        at = uploaded_at or datetime(2026, 1, 1, tzinfo=UTC)
        file = IndexFile(name, version, file_name, content, metadata, at, yanked, requires_python)
        self.projects.setdefault(plain(name), []).append(file)
        self._write(plain(name))

    def remove(self, name: str, version: str) -> None:
        """Remove a release."""
        files = self.projects.get(plain(name), [])
        kept = [file for file in files if file.version != version]
        if len(kept) == len(files):
            raise SandboxError(f"The index has no {name} {version}")
        self.projects[plain(name)] = kept
        self._write(plain(name))

    def _write(self, project: str) -> None:
        files = self.projects[project]
        for file in files:
            (self.folder / "files" / file.file_name).write_bytes(file.content)
            if file.file_name.endswith(".whl"):
                beside = self.folder / "files" / f"{file.file_name}.metadata"
                beside.write_bytes(file.metadata)
        page = self.folder / "simple" / project
        page.mkdir(exist_ok=True)
        write_page(page, project_json(project, files), project_html(files))
        names = sorted(self.projects)
        listed = {"meta": {"api-version": "1.1"}, "projects": [{"name": name} for name in names]}
        links = "".join(f'<a href="/simple/{name}/">{name}</a>\n' for name in names)
        write_page(self.folder / "simple", listed, links)


def plain(name: str) -> str:
    """Return a name as indexes compare it (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()
