"""conda packages made of installed wheels, so that a channel of the tests holds real software."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import Distribution, distributions
from pathlib import Path, PurePath

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.conda_channel import PLACEHOLDER, PYTHON, SITE, Package

IN_PREFIX = ("bin/", "etc/", "share/")
INTERPRETER = "/usr/bin/python3"


def wheels_as_packages(folder: Path, *names: str) -> list[Package]:
    """Install packages of the index with all that they need, and return them as conda's."""
    uv = Path(sys.executable).parent / "uv"
    words = [str(uv), "--quiet", "pip", "install", "--python", INTERPRETER]
    subprocess.run([*words, "--target", str(folder), *names], check=True)
    return [package_of(folder, distribution) for distribution in distributions(path=[str(folder)])]


def package_of(folder: Path, wheel: Distribution) -> Package:
    """Return one installed wheel as a package of conda."""
    name = canonicalize_name(wheel.metadata["Name"])
    depends = ("python", *sorted(set(needed(wheel))))
    package = Package(name, wheel.version.replace("-", "_"), depends)
    for file in wheel.files or ():
        if is_spared(file):
            continue
        content = (folder / file).read_bytes()
        if file.name == "INSTALLER":
            content = b"conda\n"
        if str(file).startswith("bin/"):
            content = content.replace(
                f"#!{INTERPRETER}".encode(), f"#!{PLACEHOLDER}/bin/python".encode()
            )
        is_in_prefix = str(file).startswith(IN_PREFIX)
        path = str(file) if is_in_prefix else f"lib/python{PYTHON}/{SITE}/{file}"
        package.files[path] = content
    return package


def is_spared(file: PurePath) -> bool:
    """Tell whether a file is one of the many that nobody asks for here: to pack them takes time."""
    if "locale-data" in file.parts:
        return not file.name.startswith(("root", "en"))
    return "django-stubs" in file.parts or "tests" in file.parts


def needed(wheel: Distribution) -> Iterator[str]:
    """Yield what a wheel needs here, without its extras."""
    for text in wheel.requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            yield canonicalize_name(requirement.name)
