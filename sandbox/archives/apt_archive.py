"""An archive for apt in a folder: signed, with suites whose packages change on request.

It writes what Debian's own archive has: InRelease, Release with Release.gpg, indexes in several
compressions, and each by its hash.
"""

import gzip
import lzma
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sandbox.archives.apt_package import AptPackage
from sandbox.archives.apt_suite import Suite, release_text, write_index
from sandbox.archives.signing_key import SigningKey
from sandbox.errors import SandboxError

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": lambda content: gzip.compress(content, mtime=0),
    ".xz": lambda content: lzma.compress(content, preset=1),
}


class AptArchive:
    """An archive; what is added or removed is there once it is published.

    Without files its indexes name packages that nobody can fetch, for archives of thousands.
    """

    def __init__(self, folder: Path, key: SigningKey | None, *, with_files: bool = True) -> None:
        self.folder, self.key, self.with_files = folder, key, with_files
        self.suites: dict[str, Suite] = {}
        self.built: dict[str, bytes] = {}

    def add_suite(
        self,
        name: str,
        *,
        components: Iterable[str] = ("main",),
        architectures: Iterable[str] = ("amd64",),
        **fields: str,
    ) -> Suite:
        """Add a suite; `fields` are those of its release, with _ for -."""
        known = {"Origin": "Sandbox", "Label": "Sandbox", "Suite": name, "Codename": name}
        known |= {key.replace("_", "-"): value for key, value in fields.items()}
        self.suites[name] = Suite(name, known, tuple(components), tuple(architectures))
        return self.suites[name]

    def add_package(
        self,
        name: str,
        version: str,
        suite: str,
        component: str = "main",
        depends: Iterable[str] = (),
        *,
        architecture: str = "amd64",
        **fields: str,
    ) -> AptPackage:
        """Add a version of a package to a suite; `fields` go into the index, with _ for -."""
        known = {key.replace("_", "-"): value for key, value in fields.items()}
        package = AptPackage(name, version, component, architecture, tuple(depends), known)
        self.suites[suite].packages.append(package)
        return package

    def remove(self, name: str, suite: str, version: str | None = None) -> None:
        """Remove a package from a suite, or one version of it."""
        packages = self.suites[suite].packages
        kept = [
            each for each in packages if each.name != name or version not in (None, each.version)
        ]
        if len(kept) == len(packages):
            raise SandboxError(f"{suite} has no {name} {version or ''}".rstrip())
        self.suites[suite].packages = kept

    def publish(
        self,
        *suites: str,
        made_at: datetime | None = None,
        valid: timedelta | None = timedelta(days=7),
        packed: Iterable[str] = tuple(PACKERS),
        by_hash: bool = True,
    ) -> None:
        """Write the suites, by default all; without a key they are not signed."""
        made_at = made_at or datetime.now(UTC)
        for suite in map(self.suites.__getitem__, suites or self.suites):
            folder = self.folder / "dists" / suite.name
            shutil.rmtree(folder, ignore_errors=True)
            files = self._write_indexes(suite, folder, tuple(packed), by_hash=by_hash)
            dates = {"Date": made_at} | ({"Valid-Until": made_at + valid} if valid else {})
            text = release_text(suite, dates, files, by_hash=by_hash)
            (folder / "Release").write_text(text)
            if self.key:
                (folder / "InRelease").write_bytes(self.key.sign_inline(text))
                (folder / "Release.gpg").write_bytes(self.key.sign_detached(text))

    def _write_indexes(
        self, suite: Suite, folder: Path, packed: tuple[str, ...], *, by_hash: bool
    ) -> dict[str, bytes]:
        """Write each index, and return all as the release lists them, packed and plain."""
        listed: dict[str, bytes] = {}
        for component in suite.components:
            for architecture in suite.architectures:
                stanzas = [
                    self._stanza(each)
                    for each in suite.packages
                    if each.component == component and each.architecture in (architecture, "all")
                ]
                name = f"{component}/binary-{architecture}/Packages"
                content = "\n".join(stanzas).encode()
                listed[name] = content
                for end in packed:
                    listed[name + end] = PACKERS[end](content)
                    write_index(folder / (name + end), listed[name + end], by_hash=by_hash)
        return listed

    def _stanza(self, package: AptPackage) -> str:
        if not self.with_files:
            return package.stanza(b"not there")
        if package.control not in self.built:
            self.built[package.control] = package.build()
            path = self.folder / package.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(self.built[package.control])
        return package.stanza(self.built[package.control])
