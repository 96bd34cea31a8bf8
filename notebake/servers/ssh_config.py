"""An ssh entry for each server, in a file of our own: `ssh nb-NAME`, sftp, editors.

The second owner's server of a name on this computer is `nb-NAME.OWNER`, one of another region or
account `nb-NAME.OWNER.REGION`.
"""

import re
import sys
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

from notebake.local.atomic_files import locked, write_file
from notebake.local.home import home
from notebake.record import digest_of
from notebake.servers.folders import ELSEWHERE, KeptServer, claim_folder, folder_of
from notebake.ssh import host as hosts
from notebake.ssh.host import Host

HEADER = "# Written by notebake at each start and each opening of a server.\n"
START_OF_BLOCK = re.compile(r"^Host (?=nb-)", re.MULTILINE)
KNOWN_HOSTS = "known_hosts"
KEEPALIVE_SECONDS = 15


def config_path() -> Path:
    """Return the path of our own ssh configuration."""
    return home() / "ssh" / "config"


def alias_of(server: KeptServer) -> str:
    """Return what is typed after `ssh` to reach a server: with its owner, if the short one is
    another person's here."""
    return _alias_among(_read_blocks()[1], server)


def known_hosts_path(server: KeptServer) -> Path:
    """Return the path of the file with the server's host key."""
    return folder_of(server) / KNOWN_HOSTS


def write_entry(server: KeptServer, host: Host) -> Path:
    """Write a server's host key and its entry, or replace them; return the path of the entries."""
    known_hosts = claim_folder(server) / KNOWN_HOSTS
    write_file(known_hosts, f"{host.instance_id} {host.host_key}\n".encode())
    _replace(server, lambda alias, _: block_of(alias, host, known_hosts))
    return config_path()


def remove_entry(server: KeptServer) -> None:
    """Remove the entry of a server that is gone, and its host key.

    The entries of another person's server of that name, of another one and of the next one, stay.
    """

    def keep(_: str, block: str) -> str:
        return "" if f"HostKeyAlias {server.instance_id}\n" in block else block

    _replace(server, keep)
    known_hosts = known_hosts_path(server)
    with suppress(FileNotFoundError):
        if known_hosts.read_text(encoding="utf-8").startswith(f"{server.instance_id} "):
            known_hosts.unlink()


def block_of(alias: str, host: Host, known_hosts: Path) -> str:
    """Return the entry of a server. The host key is known by the instance's id, not by an address,
    which another machine may have tomorrow."""
    port = "" if hosts.SSH_PORT == 22 else f"    Port {hosts.SSH_PORT}\n"
    return (
        f"Host {alias}\n"
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


def _replace(server: KeptServer, change: Callable[[str, str], str]) -> None:
    """Put a block in the place of a server's earlier one: what `change` returns for alias and
    block; "" for none."""
    path = config_path()
    with locked(path.parent):
        first, blocks = _read_blocks()
        alias = _alias_among(blocks, server)
        before = blocks.pop(alias, "")
        if after := change(alias, before):
            blocks[alias] = after
        written = first + "".join(blocks[alias] for alias in sorted(blocks))
        write_file(path, written.encode())


def _read_blocks() -> tuple[str, dict[str, str]]:
    """Return what stands before the entries, and each by its alias."""
    try:
        text = config_path().read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    first, *blocks = START_OF_BLOCK.split(text)
    return first or HEADER, {each.split(maxsplit=1)[0]: f"Host {each}" for each in blocks}


def _alias_among(blocks: Mapping[str, str], server: KeptServer) -> str:
    """Return the alias that a server has among these entries, or gets beside them."""
    folder = folder_of(server)
    own = f"UserKnownHostsFile {quote(folder / KNOWN_HOSTS)}\n"
    short = f"nb-{server.name}"
    owner = folder.parent.name
    # ssh takes what is before an @ for a user; the digest keeps apart what reads the same then.
    plain = owner
    if "@" in owner:
        plain = f"{owner.replace('@', '-')}-{digest_of(server.owner)[:8]}"
    _, is_elsewhere, place = folder.name.partition(ELSEWHERE)
    long = f"{short}.{plain}.{place}" if is_elsewhere else f"{short}.{plain}"
    is_free = short not in blocks or own in blocks[short]
    return short if is_free and long not in blocks else long
