"""An index of Python packages, and the lock files of an image that uv has really made from it."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from notebake.commands import papermill
from notebake.commands.python_lock import DESCRIBE
from notebake.commands.software import requested_packages
from notebake.images.updates.python_packages import PythonPackages, ask_python_packages
from notebake.images.updates.resolution.uv_program import find_uv
from notebake.recipe import Software
from notebake.recipe.requirements import requirements_for_uv
from sandbox.archives.package_index import PackageIndex
from sandbox.archives.server import ArchiveServer
from tests.limits import HANG_SECONDS

OLD = datetime(2026, 1, 1, tzinfo=UTC)
RELEASES = {
    # name: version, requirements
    "jupyterlab": ("4.0.0", ["tornado>=6", "Jupyter_Core"]),
    "ipykernel": ("6.0.0", ["traitlets", "jupyter-core"]),
    "pip": ("24.0", []),
    "papermill": ("2.6.0", ["click", "traitlets"]),
    "tornado": ("6.1", []),
    "jupyter-core": ("5.0", ["traitlets>=5", "platformdirs"]),
    "traitlets": ("5.1", []),
    "platformdirs": ("4.0", []),
    "click": ("8.1", []),
    "numpy": ("2.1.0", ["blas.lib"]),
    "blas-lib": ("0.3", []),
    "Wave_Tools": ("1.4", ["numpy<3", "tide"]),
    "tide": ("0.9.1", []),
    "xarray": ("2025.1.0", ["numpy>=1", "packaging"]),
    "packaging": ("24.1", []),
}
SOFTWARE = Software(
    packages=("numpy", "XArray>=2025"), requirements="# ours\nwave-tools>=1  # the waves\n"
)


class PythonWorld:
    """An index that a test changes, and an image that was made from it before."""

    def __init__(self, folder: Path, server: ArchiveServer) -> None:
        self.folder, self.server = folder, server
        server.folder = folder / "index"
        self.index = PackageIndex(server.folder)
        self.software = SOFTWARE
        self.until = ""
        """The date up to which packages are installed, as a rebake sets it; "": none."""
        self.at_once: tuple[str, ...] = ()
        """Packages for which that date does not count."""
        self.count = 0
        for name, (version, requires) in RELEASES.items():
            self.index.add_release(name, version, requires, uploaded_at=OLD)

    @property
    def url(self) -> str:
        return f"{self.server.url}/simple"

    def bake(self) -> dict[str, bytes]:
        """Return the lock files of environments that uv makes now, as a bake does."""
        requirements = requirements_for_uv(self.software.requirements or "")
        own = "\n".join(requested_packages(self.software))
        describe = [sys.executable, "-I", "-c", DESCRIBE]
        printed = subprocess.run(describe, capture_output=True, check=True).stdout
        python = {"environment": json.loads(printed), "system": json.loads(printed)}
        return {
            "locks/requirements.txt": self.install(requirements, own),
            "locks/papermill.txt": self.install("\n".join(papermill.PACKAGES)),
            "locks/python.json": json.dumps({**python, "index": self.url}).encode(),
        }

    def locks(self, baked: Mapping[str, bytes]) -> dict[str, bytes]:
        """Return the lock files of an image whose machine had this index."""
        python = json.loads(baked["locks/python.json"])
        return {**baked, "locks/python.json": json.dumps({**python, "index": self.url}).encode()}

    def install(self, *texts: str) -> bytes:
        """Return what uv freezes of an environment with these requirements."""
        self.count += 1
        place = self.folder / f"environment-{self.count}"
        self.uv("venv", "--python", sys.executable, str(place))
        words = ["pip", "install", "--python", f"{place}/bin/python"]
        for name in self.at_once:
            words += ["--exclude-newer-package", f"{name}=false"]
        for number, text in enumerate(texts):
            file = self.folder / f"asked-{self.count}-{number}.txt"
            file.write_text(text)
            words += ["--requirements", str(file)]
        self.uv(*words)
        return self.uv("pip", "freeze", "--python", f"{place}/bin/python")

    def uv(self, *words: str) -> bytes:
        environment = {
            **os.environ,
            "UV_DEFAULT_INDEX": self.url,
            "UV_CACHE_DIR": str(self.folder / f"cache-{self.count}"),
            "UV_PYTHON_DOWNLOADS": "never",
            **({"UV_EXCLUDE_NEWER": self.until} if self.until else {}),
        }
        done = subprocess.run(
            [find_uv(), "--no-config", "--quiet", *words],
            env=environment,
            capture_output=True,
            timeout=HANG_SECONDS,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def ask(
        self,
        locks: Mapping[str, bytes],
        *,
        exclude_newer: datetime | None = None,
        exceptions: Mapping[str, datetime] | None = None,
    ) -> PythonPackages:
        """Return what we say differs today."""
        return ask_python_packages(
            self.software, locks, exclude_newer=exclude_newer, exceptions=exceptions or {}
        )


def shown(found: PythonPackages) -> tuple[set[tuple[str, str | None, str | None]], ...]:
    """Return the changes of both causes, each as name, old and new."""
    return tuple(
        {(each.name, each.old, each.new) for each in finding.changes}
        for finding in (found.direct, found.transitive)
    )
