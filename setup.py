"""Puts the folders beside `notebake` into the wheel's `notebake/_project` (notebake/project.py).

All else about the distribution is in pyproject.toml.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

BESIDE = ("deployments", "flows", "notebooks", "prefect.yaml", "sandbox", "tasks")


def files_beside() -> Iterator[Path]:
    """Give every file that belongs to the project and not to the package."""
    for name in BESIDE:
        for path in (Path(name), *Path(name).rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                yield path


class BuildWithProject(build_py):
    """Builds the package with the project inside; an editable one finds it where it is."""

    def run(self) -> None:
        """Build the package, and copy what is beside it."""
        super().run()
        for path in () if self.editable_mode else files_beside():
            target = Path(self.build_lib, "notebake", "_project", path)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, target)

    def get_source_files(self) -> list[str]:
        """Return what a source distribution holds as well."""
        return [*super().get_source_files(), *map(str, files_beside())]


setup(cmdclass={"build_py": BuildWithProject})
