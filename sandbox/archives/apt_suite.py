"""One suite of an apt archive: its packages, and the texts of its release and indexes."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

from sandbox.archives.apt_package import AptPackage


@dataclass
class Suite:
    """One suite: its release's fields, and its packages in the order of its index."""

    name: str
    fields: dict[str, str]
    components: tuple[str, ...]
    architectures: tuple[str, ...]
    packages: list[AptPackage] = field(default_factory=list)


def write_index(path: Path, content: bytes, *, by_hash: bool) -> None:
    """Write an index at its name, and by its hash."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    if by_hash:
        folder = path.parent / "by-hash/SHA256"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / hashlib.sha256(content).hexdigest()).write_bytes(content)


def release_text(
    suite: Suite, dates: Mapping[str, datetime], files: Mapping[str, bytes], *, by_hash: bool
) -> str:
    """Return the text of a release."""
    fields = {
        **suite.fields,
        **{name: format_datetime(date.astimezone(UTC)) for name, date in dates.items()},
        "Architectures": " ".join(suite.architectures),
        "Components": " ".join(suite.components),
        **({"Acquire-By-Hash": "yes"} if by_hash else {}),
    }
    lines = [f"{name}: {value}" for name, value in fields.items()]
    lines += ["SHA256:"]
    lines += [
        f" {hashlib.sha256(content).hexdigest()} {len(content)} {name}"
        for name, content in files.items()
    ]
    return "\n".join(lines) + "\n"
