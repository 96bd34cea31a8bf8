"""The smallest valid wheels and source distributions; the same input gives the same bytes."""

import io
import tarfile
import zipfile
from collections.abc import Iterable

EARLIEST = (1980, 1, 1, 0, 0, 0)


def metadata_of(name: str, version: str, requires: Iterable[str], requires_python: str) -> bytes:
    """Return a distribution's core metadata."""
    lines = ["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}"]
    lines += [f"Requires-Python: {requires_python}"] if requires_python else []
    lines += [f"Requires-Dist: {each}" for each in requires]
    return ("\n".join(lines) + "\n").encode()


def wheel(file_name: str, metadata: bytes) -> bytes:
    """Return a wheel with one module."""
    name, version, tag = file_name.removesuffix(".whl").split("-", 2)
    folder = f"{name}-{version}.dist-info"
    about = f"Wheel-Version: 1.0\nGenerator: sandbox\nRoot-Is-Purelib: true\nTag: {tag}\n"
    files = {
        f"{name}.py": f'__version__ = "{version}"\n'.encode(),
        f"{folder}/METADATA": metadata,
        f"{folder}/WHEEL": about.encode(),
    }
    record = "".join(f"{path},,\n" for path in (*files, f"{folder}/RECORD"))
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as archive:
        for path, content in {**files, f"{folder}/RECORD": record.encode()}.items():
            archive.writestr(zipfile.ZipInfo(path, EARLIEST), content)
    return made.getvalue()


def source_distribution(folder: str, metadata: bytes) -> bytes:
    """Return a source distribution whose build always fails, so that a test sees who tries."""
    files = {
        "PKG-INFO": metadata,
        "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "never"\n',
    }
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w:gz") as archive:
        for path, content in files.items():
            member = tarfile.TarInfo(f"{folder}/{path}")
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return made.getvalue()
