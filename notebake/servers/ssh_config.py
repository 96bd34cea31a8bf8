"""An ssh entry for each server, in a file of our own: `ssh nb-NAME`, sftp, editors."""

import re
import sys
from pathlib import Path

from notebake.local.atomic_files import locked, write_file
from notebake.local.home import home
from notebake.servers.place import folder_of
from notebake.ssh import host as hosts
from notebake.ssh.host import Host

HEADER = "# Written by notebake at each start and each opening of a server.\n"
START_OF_BLOCK = re.compile(r"^Host (?=nb-)", re.MULTILINE)
KEEPALIVE_SECONDS = 15


def config_path() -> Path:
    """Return the path of our own ssh configuration."""
    return home() / "ssh" / "config"


def alias_of(name: str) -> str:
    """Return what is typed after `ssh` to reach a server."""
    return f"nb-{name}"


def known_hosts_path(owner: str, name: str) -> Path:
    """Return the path of the file with the server's host key."""
    return folder_of(owner, name) / "known_hosts"


def write_entry(owner: str, name: str, host: Host) -> Path:
    """Write a server's host key and its entry, or replace them; return the path of the entries."""
    known_hosts = known_hosts_path(owner, name)
    write_file(known_hosts, f"{host.instance_id} {host.host_key}\n".encode())
    _replace(name, block_of(name, host, known_hosts))
    return config_path()


def remove_entry(owner: str, name: str, instance_id: str) -> None:
    """Remove the entry of a server that is gone, and its host key.

    The entry of another person's server of that name stays.
    """
    try:
        text = config_path().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    if f"HostKeyAlias {instance_id}\n" in text:
        _replace(name, "")
    known_hosts_path(owner, name).unlink(missing_ok=True)


def block_of(name: str, host: Host, known_hosts: Path) -> str:
    """Return the entry of a server. The host key is known by the instance's id, not by an address,
    which another machine may have tomorrow."""
    port = "" if hosts.SSH_PORT == 22 else f"    Port {hosts.SSH_PORT}\n"
    return (
        f"Host {alias_of(name)}\n"
        f"    HostName {host.address}\n{port}"
        f"    User {host.user}\n"
        f"    HostKeyAlias {host.instance_id}\n"
        f"    UserKnownHostsFile {quote(known_hosts)}\n"
        "    StrictHostKeyChecking yes\n"
        "    UpdateHostKeys no\n"
        f"    IdentityFile {quote(Path(host.private_key_path))}\n"
        "    IdentitiesOnly yes\n"
        f"    ServerAliveInterval {KEEPALIVE_SECONDS}\n"
    )


def quote(path: Path, *, has_tokens: bool = True) -> str:
    """Return a path as ssh_config(5) wants it: in quotes, with slashes, and `%` doubled where the
    option has tokens."""
    text = path.as_posix() if sys.platform == "win32" else str(path)
    return '"{}"'.format(text.replace("%", "%%") if has_tokens else text)


def _replace(name: str, block: str) -> None:
    """Put the block of a server in the place of its earlier one, or at the end."""
    path = config_path()
    with locked(path.parent):
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError):
            text = HEADER
        first, *blocks = START_OF_BLOCK.split(text)
        kept = {each.split(maxsplit=1)[0]: f"Host {each}" for each in blocks}
        kept.pop(alias_of(name), None)
        if block:
            kept[alias_of(name)] = block
        written = (first or HEADER) + "".join(kept[alias] for alias in sorted(kept))
        write_file(path, written.encode())
