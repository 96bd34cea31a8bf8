"""A small channel of conda packages, made by hand: what a conda package is made of is not much.

Its Python is this machine's own, in a prefix laid out as conda's: pyvenv.cfg makes it look for
packages in the prefix. JupyterLab, ipykernel and conda are empty but for their names.
"""

import hashlib
import io
import json
import sys
import sysconfig
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PLACEHOLDER = "/placehold" + "_placehold" * 20
PYTHON = f"{sys.version_info.major}.{sys.version_info.minor}"
SITE = "site-packages"
SUBDIR = "linux-aarch64" if sysconfig.get_platform().endswith("aarch64") else "linux-64"


@dataclass
class Package:
    """One package: what its index says, and its files with `PLACEHOLDER` for the prefix."""

    name: str
    version: str
    depends: tuple[str, ...] = ()
    files: dict[str, str | bytes] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    is_python: bool = False
    build: str = "0"

    @property
    def file_name(self) -> str:
        return f"{self.name}-{self.version}-{self.build}.tar.bz2"

    @property
    def index(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": 0,
            "depends": list(self.depends),
            "subdir": "noarch" if self.is_python else SUBDIR,
            "license": "MIT",
            **({"noarch": "python"} if self.is_python else {}),
        }

    def paths(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for path, text in self.files.items():
            content = in_bytes(text)
            entry = {
                "_path": path,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_in_bytes": len(content),
            }
            if PLACEHOLDER.encode() in content:
                entry |= {"prefix_placeholder": PLACEHOLDER, "file_mode": "text"}
            found.append(entry)
        return [*found, *({"_path": link, "path_type": "softlink"} for link in self.links)]

    def write(self, folder: Path) -> None:
        """Write the archive."""
        paths = {"paths": self.paths(), "paths_version": 1}
        texts: dict[str, str | bytes] = {
            "info/index.json": json.dumps(self.index),
            "info/paths.json": json.dumps(paths),
        }
        if self.is_python:
            link = {"noarch": {"type": "python"}, "package_metadata_version": 1}
            texts["info/link.json"] = json.dumps(link)
        with tarfile.open(folder / self.file_name, "w:bz2", compresslevel=1) as archive:
            for path, text in {**self.files, **texts}.items():
                member = tarfile.TarInfo(path)
                member.size = len(in_bytes(text))
                member.mode = 0o755 if path.startswith(("bin/", "condabin/")) else 0o644
                archive.addfile(member, io.BytesIO(in_bytes(text)))
            for path, target in self.links.items():
                member = tarfile.TarInfo(path)
                member.type, member.linkname = tarfile.SYMTYPE, target
                archive.addfile(member)


def in_bytes(content: str | bytes) -> bytes:
    """Return the content of a file as it is written."""
    return content if isinstance(content, bytes) else content.encode()


def write_channel(folder: Path, packages: list[Package]) -> Path:
    """Write a channel of these packages, with the index of each subdirectory."""
    for subdir in (SUBDIR, "noarch"):
        (folder / subdir).mkdir(parents=True, exist_ok=True)
        index: dict[str, Any] = {}
        for package in packages:
            if package.index["subdir"] == subdir:
                package.write(folder / subdir)
                content = (folder / subdir / package.file_name).read_bytes()
                digest = hashlib.sha256(content).hexdigest()
                known = {"sha256": digest, "md5": "0" * 32, "size": len(content)}
                index[package.file_name] = {**package.index, **known}
        repodata = {"info": {"subdir": subdir}, "packages": index, "packages.conda": {}}
        (folder / subdir / "repodata.json").write_text(json.dumps(repodata))
    return folder


def python_package(name: str, version: str, *depends: str, text: str = "") -> Package:
    """Return a package with one module of its name, and what pip knows of it."""
    about = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    folder = f"{SITE}/{name}-{version}.dist-info"
    files: dict[str, str | bytes] = {
        f"{SITE}/{name}/__init__.py": text or f'__version__ = "{version}"\n',
        f"{folder}/METADATA": about,
        f"{folder}/INSTALLER": "conda\n",
        f"{folder}/RECORD": "",
    }
    return Package(name, version, ("python", *depends), files, is_python=True)


def python(interpreter: str) -> Package:
    """Return a Python: the machine's own, seen from the prefix."""
    home = str(Path(interpreter).parent)
    return Package(
        "python",
        f"{PYTHON}.9",
        files={
            "pyvenv.cfg": f"home = {home}\ninclude-system-site-packages = false\n",
            f"lib/python{PYTHON}/{SITE}/README.txt": "Packages lie here.\n",
        },
        links={"bin/python3": interpreter, "bin/python": "python3"},
    )


def conda() -> Package:
    """Return a stand-in for conda: it says where it is."""
    return Package(
        "conda",
        "26.3.2",
        ("python",),
        {
            "bin/conda": f"#!/bin/sh\necho conda of {PLACEHOLDER}\n",
            "condabin/conda": f'#!/bin/sh\nexec {PLACEHOLDER}/bin/conda "$@"\n',
            "etc/profile.d/conda.sh": "conda_is_defined=yes\n",
        },
    )


def jupyter() -> list[Package]:
    """Return what every environment asks for, and conda, empty but for what is looked for."""
    lab = "#!/bin/sh\necho 4.0.0\n"
    kernel = {"argv": ["python", "-m", "ipykernel_launcher"], "env": {"KEPT": "own"}}
    return [
        python_package("jupyterlab", "4.0.0", "lab-program"),
        Package("lab-program", "1.0", files={"bin/jupyter-lab": lab}),
        python_package("ipykernel", "6.0.0", "kernelspec"),
        Package(
            "kernelspec",
            "1.0",
            files={"share/jupyter/kernels/python3/kernel.json": json.dumps(kernel)},
        ),
        python_package("pip", "24.0"),
        conda(),
    ]


def libraries() -> list[Package]:
    """Return two libraries, of which one has two versions, and what conflicts."""
    activate = 'export LIBB_DATA="$CONDA_PREFIX/share/libb"\n'
    return [
        python_package("liba", "1.0"),
        python_package("liba", "2.0"),
        python_package("libb", "1.0", "liba <2", "libb-data"),
        Package("libb-data", "1.0", files={"etc/conda/activate.d/libb.sh": activate}),
        python_package("needsnew", "1.0", "liba >=2"),
        Package("ongpu", "1.0", ("__cuda >=12",), {"share/ongpu": "x"}),
    ]


def whole_channel(folder: Path, interpreter: str = sys.executable) -> Path:
    """Write the channel that the tests install from."""
    real = str(Path(interpreter).resolve())
    return write_channel(folder, [python(real), *jupyter(), *libraries()])
