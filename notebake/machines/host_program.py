"""Packages of notebake that run on a host, as zip archives that its Python can run."""

import base64
import zipfile
from io import BytesIO
from pathlib import Path

SUFFIXES = {".py", ".toml"}


def pack_program(package: str, folder: Path) -> str:
    """Return a package as a zip archive in base64; it is reproducible.

    Args:
        package: Its dotted name. It imports nothing but itself and the standard library.
        folder: Where its files are.
    """
    names = package.split(".")
    content = BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        start = f"import runpy\nrunpy.run_module({package!r}, run_name='__main__')\n"
        _add(archive, "__main__.py", start)
        for depth in range(1, len(names)):
            _add(archive, f"{'/'.join(names[:depth])}/__init__.py", "")
        for path in sorted(folder.iterdir()):
            if path.suffix in SUFFIXES:
                _add(archive, f"{'/'.join(names)}/{path.name}", path.read_text(encoding="utf-8"))
    return base64.b64encode(content.getvalue()).decode()


def _add(archive: zipfile.ZipFile, name: str, text: str) -> None:
    # ZipInfo has a constant date, which makes the archive reproducible.
    archive.writestr(zipfile.ZipInfo(name), text, zipfile.ZIP_DEFLATED)
