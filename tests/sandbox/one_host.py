"""One real host, i-1, without cloud-init and without the API: for what lines and hosts suffer."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from notebake.ssh.host import Host
from tests.sandbox.own_home import home_opened
from tests.sandbox.test_hosts import Cloud, make_key


@contextmanager
def one_host_opened(folder: Path) -> Iterator[Cloud]:
    """Boot it, and leave nothing of it."""
    with home_opened(folder / "home") as home:
        make_key(folder / "key")
        cloud = Cloud(home, folder / "key")
        cloud.create("i-1")
        cloud.boot("i-1")
        yield cloud


def as_root_of(cloud: Cloud) -> Host:
    """Return the host as ssh sees it, with root's login."""
    folder = cloud.home.machines_path / "i-1/upper/etc/ssh"
    return Host(
        instance_id="i-1",
        address=cloud.machines.reserve_address("i-1"),
        user="root",
        private_key_path=str(cloud.key),
        host_key=(folder / "ssh_host_ed25519_key.pub").read_text(),
    )
