"""The files of a twist: a layer upon the base system, made when the first machine needs it.

Needs   root, the base system, its package sources where the twist has packages
Gives   an immutable directory beside the base system, shared by all sandboxes of this machine
"""

import hashlib
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sandbox.files import locked
from sandbox.hosts import network
from sandbox.programs import run_program
from sandbox.twists.table import BY_NAME, Twist

BUILD_TIMEOUT_SECONDS = 600
PREFIX = "twist-"
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
    """Return where the layer of a twist upon this base lies, whether it was made or not."""
    text = f"{base.name} {twist.packages} {INSTALL} {twist.script}"
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    return base.with_name(f"{PREFIX}{twist.name}-{digest}")


def is_layer(path: Path) -> bool:
    """Tell whether this is a layer of some twist."""
    return path.name.startswith(PREFIX)


def make_layer(name: str, base: Path) -> None:
    """Make the layer of a twist unless it is there: a second, or ten with packages."""
    twist = BY_NAME[name]
    path = layer_of(twist, base)
    with locked(path.with_name(f".{path.name}.lock")):
        if path.is_dir():
            return
        with _mounted_upon(base, path.with_name(f".{path.name}.part")) as root:
            run_program(
                "chroot",
                root,
                "/bin/sh",
                stdin=_script(twist),
                timeout_seconds=BUILD_TIMEOUT_SECONDS,
            )
            run_program("umount", root)
            (root.parent / "upper").rename(path)


def _script(twist: Twist) -> str:
    """Return what is run inside: with the variables without which nothing outside is reached."""
    lines = ["set -eua", ". /etc/environment", "set +a"]
    if twist.packages:
        text = network.resolver_text().replace("'", "")
        lines += [f"resolvers='{text}'", INSTALL.format(packages=" ".join(twist.packages))]
    return "\n".join([*lines, twist.script])


@contextmanager
def _mounted_upon(base: Path, place: Path) -> Iterator[Path]:
    """Give the base with an upper directory of its own while the block runs."""
    root = place / "root"
    _remove(place)
    for folder in ("upper", "work", "root"):
        (place / folder).mkdir(parents=True)
    (place / "upper").chmod(0o755)
    options = f"lowerdir={base},upperdir={place / 'upper'},workdir={place / 'work'},index=off"
    run_program("mount", "-t", "overlay", "overlay", "-o", options, root)
    try:
        yield root
    finally:
        _remove(place)


def _remove(place: Path) -> None:
    """Remove what a build left, and what one left that was killed."""
    if (place / "root").is_mount():
        run_program("umount", place / "root")
    shutil.rmtree(place, ignore_errors=True)
