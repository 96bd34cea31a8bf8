"""The parts of a recipe for the machine's content, and for the proof of the image."""

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field

from notebake.recipe.environment_file import find_package_fault
from notebake.recipe.fields import (
    UNQUOTED,
    InstanceType,
    Name,
    OwnPath,
    Package,
    RelativePath,
    Sha256,
    TargetPath,
    address_of,
    matching,
)
from notebake.recipe.machine import repeated
from notebake.recipe.part import Contradiction, Part
from notebake.recipe.repository_page import find_page_fault
from notebake.recipe.requirement_line import find_requirement_fault
from notebake.recipe.requirements import find_requirement_faults


class Software(Part):
    """What is installed beside JupyterLab, ipykernel and papermill."""

    apt: tuple[Package, ...] = ()
    """Packages of the distribution."""
    manager: Literal["pip", "conda"] = "pip"
    """Who makes the Python environment: uv from PyPI, or rattler from conda-forge."""
    python: Annotated[str, matching(r"3\.\d{1,2}", "a Python version such as 3.12")] | None = None
    """Python version for conda; pip takes the distribution's."""
    packages: tuple[Package, ...] = ()
    """Packages from the manager's index."""
    pip: tuple[Package, ...] = ()
    """With conda: packages from PyPI for what conda-forge does not have."""
    requirements_file: RelativePath | None = None
    """A requirements.txt or environment.yml beside the recipe, read into `requirements`."""
    requirements: str | None = None
    """Text of a requirements.txt (pip) or environment.yml (conda), added to the packages."""
    timeout_seconds: Annotated[int, Field(ge=60, le=86400, strict=True), UNQUOTED] = 3600
    """How long the installation may take."""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.manager == "pip" and self.pip:
            text = "with manager: pip, name the packages under packages"
            yield Contradiction(("pip",), text, by_absence=True)
        if self.manager == "pip" and self.python:
            text = "with manager: pip, the base image decides the Python version"
            yield Contradiction(("python",), text, by_absence=True)
        if self.requirements is not None and self.requirements_file is not None:
            text = "give requirements_file or requirements, not both"
            yield Contradiction(("requirements_file",), text)
        for text in find_requirement_faults(self.requirements, self.manager):
            yield Contradiction(("requirements",), text, by_absence=True)
        of_manager = find_requirement_fault if self.manager == "pip" else find_package_fault
        for index, package in enumerate(self.packages):
            if fault := of_manager(package):
                yield Contradiction(("packages", index), fault, by_absence=True)
        for index, package in enumerate(self.pip if self.manager == "conda" else ()):
            if fault := find_requirement_fault(package):
                yield Contradiction(("pip", index), fault, by_absence=True)


class Dataset(Part):
    """A file or folder that is copied on to the machine."""

    name: Name
    """Its name in the log."""
    source: Annotated[
        str,
        address_of(
            ("https", "http", "s3", "sftp"), "https://…, s3://bucket/key or sftp://user@host/path"
        ),
    ]
    """`https://…`, `s3://bucket/key` or `sftp://user@host/path`; a folder too, but not by https."""
    path: TargetPath
    """Where it goes; a path that ends with / is a folder, in which it keeps its source's name."""
    sha256: Sha256 | None = None
    """Checksum of a single file; required for http:// sources."""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.source.startswith("http://") and not self.sha256:
            text = "a source without TLS needs a sha256"
            yield Contradiction(("source",), text, by_absence=True)
        if self.sha256 and self.source.endswith("/"):
            yield Contradiction(("sha256",), "a checksum goes with a single file, not a folder")
        elif self.source.startswith("http") and urlsplit(self.source).path[-1:] in ("", "/"):
            yield Contradiction(("source",), "a folder cannot be fetched by https, only a file")
        if self.path.endswith("/") and not re.fullmatch(r"(?!\.\.?$)[^\x00-\x1f]+", self._name):
            text = f"the source does not end in a name for {self.path}; give the name as well"
            yield Contradiction(("path",), text)

    @property
    def target_path(self) -> str:
        """The final path of the file or folder."""
        return self.path + self._name if self.path.endswith("/") else self.path

    @property
    def _name(self) -> str:
        """The last part of the source; in a key of S3 a % is only a character."""
        if self.source.startswith("s3://"):
            return PurePosixPath(self.source).name
        return PurePosixPath(unquote(urlsplit(self.source).path)).name


class Repository(Part):
    """The git repository whose notebooks the image is for."""

    url: Annotated[
        str,
        address_of(
            ("https", "http", "git", "ssh"),
            "https://host/path, git://host/path or ssh://git@host/path",
        ),
    ]
    """Where to clone from; credentials in it are refused."""
    ref: Annotated[
        str,
        AfterValidator(lambda ref: ref.removeprefix("refs/heads/")),
        matching(r"[A-Za-z0-9][A-Za-z0-9._/@+#=,-]*", "a branch, a tag or a commit id"),
    ] = "HEAD"
    """Branch, tag or commit id; a full commit id is the only one that never changes."""
    path: OwnPath | None = None
    """Where it goes; by default the login user's home and the repository's name."""
    submodules: Annotated[bool, Field(strict=True), UNQUOTED] = True
    """Whether its submodules are cloned, too; each must be one that everybody can clone."""

    def contradictions(self) -> Iterator[Contradiction]:
        if page := find_page_fault(self.url):
            yield Contradiction(("url",), page)
        elif not self.path and not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._+-]*", self.folder_name):
            text = "does not end in a name for the folder; give path as well"
            yield Contradiction(("url",), text, by_absence=True)

    @property
    def folder_name(self) -> str:
        """The folder's name for git clone; empty if the address has no path."""
        path = self.url.split("://", 1)[-1].rstrip("/").partition("/")[2]
        return path.rsplit("/", 1)[-1].removesuffix(".git")


class Notebook(Part):
    """The notebook that proves the machine, and what counts as proof."""

    path: Annotated[RelativePath, matching(r".+\.ipynb", "a notebook, *.ipynb")] | None = None
    """Path in the repository; without it notebake's own smoke notebook runs."""
    working_directory: RelativePath | None = None
    """Directory in the repository to run in; by default the notebook's own."""
    parameters: dict[str, Annotated[str | int | float | bool, UNQUOTED]] = Field(default={})
    """papermill parameters; each needs a default in the code cell tagged `parameters`."""
    kernel: Annotated[str, matching(r"[A-Za-z0-9._-]+", "a kernel's name such as python3")] = (
        "python3"
    )
    """Kernel of the image to run it with, whatever the notebook names."""
    timeout_seconds: Annotated[int, Field(ge=10, le=86400, strict=True), UNQUOTED] = 600
    """Time limit for the whole notebook."""
    minimum_cells: Annotated[int, Field(ge=1, strict=True), UNQUOTED] = 3
    """So many code cells must have run."""
    minimum_figures: Annotated[int, Field(ge=0, strict=True), UNQUOTED] = 1
    """So many figures must have been drawn, still or interactive."""
    verdict: str | None = None
    """A text that the notebook's output must contain."""
    compare: Literal["numbers", "nothing"] = "numbers"
    """Whether machines from the image must show the same numbers as the builder did."""
    tolerance: Annotated[float, Field(ge=0, le=1), UNQUOTED] = 0.0
    """How far these may differ: a share of the larger, or as it is below 1; 0: only by rounding."""

    def contradictions(self) -> Iterator[Contradiction]:
        if self.verdict is not None and not self.verdict.strip():
            yield Contradiction(("verdict",), "an empty text proves nothing; leave it out")
        for name in self.parameters:
            if not name.isidentifier():
                text = "must be a name that Python accepts, such as depth_m"
                yield Contradiction(("parameters", name), text)


class Acceptance(Part):
    """How the image is proven."""

    instance_types: tuple[InstanceType, ...] = ()
    """Types to boot from the image, in order of preference; by default the builder's."""

    def contradictions(self) -> Iterator[Contradiction]:
        yield from repeated("instance_types", self.instance_types)
