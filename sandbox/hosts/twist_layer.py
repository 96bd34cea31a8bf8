"""The layer of a twist: files above the base system, created when the first machine needs them.

Needs   root, the base system, and its package sources if the twist has packages
Gives   an immutable directory beside the base system, which all sandboxes of this machine share
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.files import locked
from sandbox.hosts import network, roots
from sandbox.programs import run_program
from sandbox.twists.table import BY_NAME, Twist

BUILD_TIMEOUT_SECONDS = 600
PREFIX = "twist-"
# The base's PATH, which is quoted, is that of this script anyway.
READ_ENVIRONMENT = """\
while IFS= read -r line; do
    case $line in PATH=*) ;; *) export "$line" ;; esac
done < /etc/environment"""
INSTALL = """
printf '%s' "$resolvers" >/etc/resolv.conf
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1
apt-get --quiet --quiet update
apt-get --quiet --quiet --yes --no-install-recommends install {packages}
apt-get clean
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin
: >/etc/resolv.conf
"""


def layer_of(twist: Twist, base: Path) -> Path:
    """Return the path of a twist's layer above this base, whether it exists or not."""
    text = f"{base.name} {twist.packages} {INSTALL} {twist.script}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return base.with_name(f"{PREFIX}{twist.name}-{digest}")


def make_layer(name: str, base: Path) -> None:
    """Create the layer of a twist unless it exists: a second, or ten with packages."""
    twist = BY_NAME[name]
    path = layer_of(twist, base)
    with locked(path.with_name(f".{path.name}.lock")):
        if path.is_dir():
            return
        with _mounted_over(base, path.with_name(f".{path.name}.part")) as root:
            command = ("chroot", root, "/bin/sh")
            run_program(*command, stdin=_script(twist), timeout_seconds=BUILD_TIMEOUT_SECONDS)
            run_program("umount", root)
            (root.parent / "upper").rename(path)


def _script(twist: Twist) -> str:
    """Return the script to run in the chroot, with the variables for access to the internet."""
    lines = ["set -eu", READ_ENVIRONMENT]
    if twist.packages:
        text = network.resolver_text().replace("'", "")
        lines += [f"resolvers='{text}'", INSTALL.format(packages=" ".join(twist.packages))]
    return "\n".join([*lines, twist.script])


@contextmanager
def _mounted_over(base: Path, place: Path) -> Iterator[Path]:
    """Mount an empty upper directory over the base while the block runs."""
    _remove(place)
    for folder in ("upper", "work", "root"):
        (place / folder).mkdir(parents=True)
    (place / "upper").chmod(0o755)
    try:
        yield roots.mount_overlay(place, str(base))
    finally:
        _remove(place)


def _remove(place: Path) -> None:
    """Remove the directory of a build, also of a build that was killed."""
    if (place / "root").is_mount():
        run_program("umount", place / "root")
    shutil.rmtree(place, ignore_errors=True)
