"""What survives a restart of the sandbox: images and snapshots, with their tags and permissions.

Hosts do not, nor do their volumes, so neither they nor their instances are remembered.
"""

import json
import threading
from dataclasses import asdict, fields
from datetime import datetime
from pathlib import Path
from typing import Any

from sandbox.ec2.model import BlockDevice, Image, Snapshot
from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.region import Region
from sandbox.files import replace_file

VERSION = 1


class Memory:
    """Keeps one cloud's lasting things in a file, written whenever they have changed."""

    def __init__(self, cloud: Cloud, path: Path) -> None:
        self._cloud = cloud
        self._path = path
        self._lock = threading.Lock()
        self._written = ""

    def restore(self) -> None:
        """Bring back what was there when the file was written, then keep it up to date."""
        if self._path.exists():
            remembered = json.loads(self._path.read_text())
            for name, content in remembered["regions"].items():
                _restore_region(self._cloud.region(name), content)
        self._cloud.on_change.append(self.save)

    def save(self) -> None:
        """Write the file, by rename, if anything lasting has changed."""
        with self._cloud.lock:
            regions = {one.name: _remember_region(one) for one in self._cloud.regions()}
        text = json.dumps({"version": VERSION, "regions": regions}, indent=1, default=str)
        with self._lock:
            if text == self._written:
                return
            replace_file(self._path, text)
            self._written = text


def _remember_region(region: Region) -> dict[str, Any]:
    own = region.account_id
    images = [one for one in region.images.values() if one.owner_id == own]
    snapshots = [one for one in region.snapshots.values() if one.owner_id == own]
    kept: list[Image | Snapshot] = [*images, *snapshots]
    return {
        "images": [asdict(one) for one in images],
        "snapshots": [asdict(one) for one in snapshots],
        "deregistered": sorted(region.deregistered),
        "tags": {one.id: tags for one in kept if (tags := region.tags_of(one.id))},
    }


def _restore_region(region: Region, content: dict[str, Any]) -> None:
    for one in content["images"]:
        mapping = [BlockDevice(**line) for line in one["mapping"]]
        image = Image(**{**_with_times(Image, one), "mapping": mapping})
        if image.state == "pending":
            image.state, image.failure = "failed", "The sandbox ended while it was made"
        region.images[image.id] = image
    for one in content["snapshots"]:
        snapshot = Snapshot(**_with_times(Snapshot, one))
        snapshot.state = "error" if snapshot.state == "pending" else snapshot.state
        region.snapshots[snapshot.id] = snapshot
    region.deregistered.update(content["deregistered"])
    for resource_id, tags in content["tags"].items():
        region.tag(resource_id, tags)


def _with_times(kind: Any, content: dict[str, Any]) -> dict[str, Any]:
    """Turn the texts of date fields into dates again."""
    dates = {one.name for one in fields(kind) if one.name.endswith(("_time", "_date"))}
    read: dict[str, Any] = {
        name: datetime.fromisoformat(value) if name in dates and value else value
        for name, value in content.items()
    }
    if launches := read.get("launch_times"):
        read["launch_times"] = [datetime.fromisoformat(one) for one in launches]
    return read
