"""What survives a restart of the sandbox: images and snapshots, with their tags and permissions.

Hosts and their volumes do not, so neither they nor their instances are saved.
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


class StateFile:
    """The file with a cloud's images and snapshots, written whenever they have changed."""

    def __init__(self, cloud: Cloud, path: Path) -> None:
        self._cloud = cloud
        self._path = path
        self._lock = threading.Lock()
        self._written = ""

    def restore(self) -> None:
        """Restore what the file holds, and keep the file up to date from then on."""
        if self._path.exists():
            saved = json.loads(self._path.read_text())
            accounts = {"": saved["regions"], **saved.get("other_accounts", {})}
            for account_id, regions in accounts.items():
                for name, content in regions.items():
                    _restore_region(self._cloud.region(name, account_id), content)
        self._cloud.on_change.append(self.save)

    def save(self) -> None:
        """Write the file, by rename, if its content has changed."""
        with self._cloud.lock:
            saved: dict[str, dict[str, Any]] = {each: {} for each in self._cloud.account_ids()}
            for region in self._cloud.regions():
                saved[region.account_id][region.name] = _save_region(region)
        content = {"version": VERSION, "regions": saved.pop(self._cloud.account_id)}
        content["other_accounts"] = saved
        text = json.dumps(content, indent=1, default=str)
        with self._lock:
            if text == self._written:
                return
            replace_file(self._path, text)
            self._written = text


def _save_region(region: Region) -> dict[str, Any]:
    own = region.account_id
    images = [image for image in region.images.values() if image.owner_id == own]
    snapshots = [snapshot for snapshot in region.snapshots.values() if snapshot.owner_id == own]
    saved: list[Image | Snapshot] = [*images, *snapshots]
    return {
        "images": [asdict(image) for image in images],
        "snapshots": [asdict(snapshot) for snapshot in snapshots],
        "deregistered": sorted(region.deregistered),
        "tags": {item.id: tags for item in saved if (tags := region.tags_of(item.id))},
    }


def _restore_region(region: Region, content: dict[str, Any]) -> None:
    for saved in content["images"]:
        mapping = [BlockDevice(**entry) for entry in saved["mapping"]]
        image = Image(**{**_with_times(Image, saved), "mapping": mapping})
        if image.state == "pending":
            image.state, image.failure = "failed", "The sandbox ended before the image was complete"
        region.images[image.id] = image
    for saved in content["snapshots"]:
        snapshot = Snapshot(**_with_times(Snapshot, saved))
        snapshot.state = "error" if snapshot.state == "pending" else snapshot.state
        region.snapshots[snapshot.id] = snapshot
    region.deregistered.update(content["deregistered"])
    for resource_id, tags in content["tags"].items():
        region.tag(resource_id, tags)


def _with_times(kind: Any, content: dict[str, Any]) -> dict[str, Any]:
    """Convert the texts of date fields back to dates."""
    dates = {field.name for field in fields(kind) if field.name.endswith(("_time", "_date"))}
    read: dict[str, Any] = {
        name: datetime.fromisoformat(value) if name in dates and value else value
        for name, value in content.items()
    }
    if launches := read.get("launch_times"):
        read["launch_times"] = [datetime.fromisoformat(time) for time in launches]
    return read
