"""Packages of an apt archive: what its index says of each, and tiny real .deb files."""

import hashlib
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from sandbox.errors import SandboxError

BUILD_SECONDS = 60
OF_DPKG = ("Source", "Multi-Arch")
"""Fields that dpkg keeps of an installed package; the others are the archive's own."""


@dataclass(frozen=True)
class AptPackage:
    """One version of a package in one component of a suite."""

    name: str
    version: str
    component: str = "main"
    architecture: str = "amd64"
    depends: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    """More of what its index says, such as Source or Phased-Update-Percentage."""

    @property
    def path(self) -> str:
        """Where its file lies in the archive."""
        plain = self.version.partition(":")[2] or self.version
        folder = f"pool/{self.component}/{self.name[0]}/{self.name}"
        return f"{folder}/{self.name}_{plain}_{self.architecture}.deb"

    @property
    def control(self) -> str:
        """What dpkg knows of it, once it is installed."""
        known = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": self.architecture,
            "Maintainer": "Sandbox <sandbox@localhost>",
            **({"Depends": ", ".join(self.depends)} if self.depends else {}),
            **{name: self.fields[name] for name in OF_DPKG if name in self.fields},
            "Description": "a package of the sandbox",
        }
        return "".join(f"{name}: {value}\n" for name, value in known.items())

    def stanza(self, content: bytes) -> str:
        """Return what the index says of it; `content` is its file."""
        known = {
            "Filename": self.path,
            "Size": len(content),
            "SHA256": hashlib.sha256(content).hexdigest(),
            **{name: value for name, value in self.fields.items() if name not in OF_DPKG},
        }
        return self.control + "".join(f"{name}: {value}\n" for name, value in known.items())

    def build(self) -> bytes:
        """Return a real .deb, made by dpkg-deb; it holds one file."""
        with tempfile.TemporaryDirectory(prefix="deb-") as folder:
            root = Path(folder) / "root"
            (root / "DEBIAN").mkdir(parents=True, mode=0o755)
            (root / "DEBIAN/control").write_text(self.control)
            text = root / f"usr/share/sandbox/{self.name}"
            text.parent.mkdir(parents=True)
            text.write_text(f"{self.version}\n")
            made = Path(folder) / "made.deb"
            line = ["dpkg-deb", "--root-owner-group", "-Zgzip", "--build", str(root), str(made)]
            try:
                done = subprocess.run(line, capture_output=True, timeout=BUILD_SECONDS, check=False)
            except FileNotFoundError:
                raise SandboxError("dpkg-deb is not installed") from None
            if done.returncode:
                raise SandboxError(f"dpkg-deb failed: {done.stderr.decode(errors='replace')}")
            return made.read_bytes()
