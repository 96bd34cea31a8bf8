"""The images that every region has: Canonical's Ubuntu, which is the base system, and twists."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from sandbox.ec2.model import BlockDevice, Image, Snapshot
from sandbox.hosts.layer_stack import BASE_IMAGE
from sandbox.twists.table import TWISTS, Twist

CANONICAL_ACCOUNT_ID = "099720109477"
TWIST_ACCOUNT_ID = "864201357975"
"""The account that publishes the twists: neither Canonical nor the caller."""
ROOT_SIZE_GIB = 8


@dataclass(frozen=True)
class Release:
    """An Ubuntu release as Canonical publishes it."""

    version: str
    codename: str
    volume_type: str
    imds_support: str | None

    @property
    def image_name(self) -> str:
        kind = "hvm-ssd-gp3" if self.volume_type == "gp3" else "hvm-ssd"
        return f"ubuntu/images/{kind}/ubuntu-{self.codename}-{self.version}-amd64-server-20260301"

    @property
    def parameter(self) -> str:
        """Name of the public SSM parameter that holds the image's id."""
        place = f"/aws/service/canonical/ubuntu/server/{self.version}/stable/current"
        return f"{place}/amd64/hvm/ebs-{self.volume_type}/ami-id"


RELEASES = (
    Release("24.04", "noble", "gp3", "v2.0"),
    Release("22.04", "jammy", "gp2", None),
)


def image_id(release: Release, region_name: str) -> str:
    """Return the release's image id in this region, which never changes."""
    return f"ami-{_digest(release.version, region_name, 'image')}"


def host_image_id(image: Image) -> str:
    """Return the id that the host layer uses for an image: its own unless it is a base image."""
    if image.owner_id == TWIST_ACCOUNT_ID:
        return image.name.removeprefix("twists/")
    return BASE_IMAGE if image.owner_id == CANONICAL_ACCOUNT_ID else image.id


def images_in_region(region_name: str) -> Iterator[tuple[Image, Snapshot]]:
    """Yield the image of each release and of each twist, with the snapshot of its root."""
    for release in RELEASES:
        snapshot_id = f"snap-{_digest(release.version, region_name, 'snapshot')}"
        published = datetime(2026, 3, 1, tzinfo=UTC)
        snapshot = Snapshot(
            id=snapshot_id,
            volume_id="vol-ffffffff",
            size_gib=ROOT_SIZE_GIB,
            owner_id=CANONICAL_ACCOUNT_ID,
            is_root=True,
            state="completed",
            progress="100%",
            groups=["all"],
            start_time=published,
        )
        yield _image(release, region_name, snapshot_id, published), snapshot
        if release is RELEASES[0]:
            for twist in TWISTS:
                yield _twist_image(twist, region_name, published, snapshot)


def ssm_parameters(region_name: str) -> dict[str, str]:
    """Return the SSM parameters of a region, with the image ids that they hold."""
    releases = {release.parameter: image_id(release, region_name) for release in RELEASES}
    return releases | {twist.parameter: _twist_id(twist, region_name) for twist in TWISTS}


def _image(release: Release, region_name: str, snapshot_id: str, published: datetime) -> Image:
    root = BlockDevice(
        device="/dev/sda1",
        size_gib=ROOT_SIZE_GIB,
        snapshot_id=snapshot_id,
        volume_type=release.volume_type,
        delete_on_termination=True,
    )
    return Image(
        id=image_id(release, region_name),
        name=release.image_name,
        owner_id=CANONICAL_ACCOUNT_ID,
        owner_alias="amazon",
        description=f"Canonical, Ubuntu, {release.version}, amd64 {release.codename} image",
        mapping=[root, BlockDevice("/dev/sdb", virtual_name="ephemeral0")],
        state="available",
        imds_support=release.imds_support,
        launch_permissions=[{"Group": "all"}],
        creation_date=published,
    )


def _twist_image(
    twist: Twist, region_name: str, published: datetime, snapshot: Snapshot
) -> tuple[Image, Snapshot]:
    """Return the image of a twist: that of the newest release, with another name and owner."""
    snapshot_id = f"snap-{_digest(twist.name, region_name, 'snapshot')}"
    image = _image(RELEASES[0], region_name, snapshot_id, published)
    return replace(
        image,
        id=_twist_id(twist, region_name),
        name=f"twists/{twist.name}",
        owner_id=TWIST_ACCOUNT_ID,
        owner_alias=None,
        description=f"Ubuntu, but {twist.description}",
    ), replace(snapshot, id=snapshot_id, owner_id=TWIST_ACCOUNT_ID, groups=["all"])


def _twist_id(twist: Twist, region_name: str) -> str:
    return f"ami-{_digest(twist.name, region_name, 'image')}"


def _digest(name: str, region_name: str, kind: str) -> str:
    text = f"{name} {region_name} {kind}"
    return "0" + hashlib.sha256(text.encode()).hexdigest()[:16]
