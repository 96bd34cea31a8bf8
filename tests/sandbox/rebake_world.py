"""A laboratory's own base image, whose package index and apt archive a test changes."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from notebake.commands.uv import DEFAULT_INDEX
from sandbox.archives.apt_archive import AptArchive
from sandbox.archives.package_index import PackageIndex
from sandbox.archives.server import ArchiveServer
from sandbox.archives.signing_key import SigningKey
from sandbox.archives.upstream import Upstream
from sandbox.ec2.state.base_images import RELEASES, image_id
from tests.sandbox.bake_world import REGION, wait_for
from tests.sandbox.bakery import Bakery

SUITES: dict[str, dict[str, str]] = {
    "tide": {"Suite": "tide"},
    "tide-security": {"Label": "Debian-Security"},
}
SET_UP = """#!/bin/bash
set -euo pipefail
printf '[global]\\nindex-url = {url}/simple\\ntrusted-host = {host}\\n' > /etc/pip.conf
mkdir --parents /etc/apt/keyrings
echo {key} | base64 --decode > /etc/apt/keyrings/sandbox.gpg
printf 'Types: deb\\nURIs: {url}\\nSuites: {suites}\\nComponents: main\\nSigned-By: {ring}\\n' \\
    > /etc/apt/sources.list.d/sandbox.sources
# The distribution's own archives change without a test.
rm --force /etc/apt/sources.list /etc/apt/sources.list.d/[!s]*
# A fresh machine's own updates hold the locks for a moment.
until apt-get --quiet update; do sleep 0.5; done
apt-get --quiet --yes install wave
cloud-init clean --logs
systemctl poweroff
"""


@dataclass
class RebakeWorld:
    """What an image is baked from: an index, an archive and a base image that know both."""

    bakery: Bakery
    server: ArchiveServer
    index: PackageIndex
    archive: AptArchive
    image_id: str = ""

    def write_recipe(self, name: str, **parts: Any) -> Path:
        """Write a recipe on the base image."""
        base = {"image_id": self.image_id, "user": "ubuntu"}
        return self.bakery.write_recipe(name, base_image=base, **parts)

    def make_base_image(self, key: SigningKey) -> None:
        """Let a machine install from the archive, and make an image of it."""
        ec2 = self.bakery.cloud.ec2()
        script = SET_UP.format(
            url=self.server.url,
            host=self.bakery.cloud.home.gateway,
            key=base64.b64encode(key.public).decode(),
            ring="/etc/apt/keyrings/sandbox.gpg",
            suites=" ".join(SUITES),
        )
        (machine,) = ec2.run_instances(
            ImageId=image_id(RELEASES[0], REGION),
            InstanceType="m6i.large",
            MinCount=1,
            MaxCount=1,
            UserData=script,
        )["Instances"]
        wanted = {"InstanceIds": [machine["InstanceId"]]}

        def has_stopped() -> bool:
            (found,) = ec2.describe_instances(**wanted)["Reservations"]
            return bool(found["Instances"][0]["State"]["Name"] == "stopped")

        wait_for(has_stopped, "the machine of the base image")
        made = ec2.create_image(
            InstanceId=machine["InstanceId"], Name=f"laboratory {machine['InstanceId']}"
        )
        self.image_id = made["ImageId"]

        def is_available() -> bool:
            found = ec2.describe_images(ImageIds=[self.image_id])["Images"]
            return bool(found[0]["State"] == "available")

        wait_for(is_available, "the base image")
        ec2.terminate_instances(**wanted)


@contextmanager
def rebake_world_opened(bakery: Bakery, folder: Path) -> Iterator[RebakeWorld]:
    """Serve the archives, which begin with a package each, and make the base image."""
    upstream = Upstream(os.environ.get("PIP_INDEX_URL") or DEFAULT_INDEX)
    gateway = bakery.cloud.home.gateway
    with SigningKey() as key, ArchiveServer(folder, address=gateway, upstream=upstream) as server:
        index, archive = PackageIndex(folder), AptArchive(folder, key)
        index.add_release("tide", "1.0", uploaded_at=days_ago(400))
        index.add_release("foam", "1.0", uploaded_at=days_ago(400))
        for name, fields in SUITES.items():
            archive.add_suite(name, **fields)
        archive.add_package("wave", "1.0-1", "tide")
        archive.publish()
        world = RebakeWorld(bakery, server, index, archive)
        world.make_base_image(key)
        yield world


def days_ago(count: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=count)
