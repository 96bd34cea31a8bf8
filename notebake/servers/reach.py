"""Makes a server reachable from this computer: started, this computer let in, its entry written."""

import logging
from pathlib import Path

from notebake.aws.instances import start_instance, wait_for_state
from notebake.errors import NextCommand, NotebakeError
from notebake.servers.admission import admit
from notebake.servers.find import find_server
from notebake.servers.keys import check_key, key_path
from notebake.servers.locate import ServerStoppedError
from notebake.servers.server import Server
from notebake.servers.ssh_config import write_entry
from notebake.ssh.host import Host
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
ADDRESS_SECONDS = 60
"""How long a running machine may be shown without its address."""


def reach(server: Server, person: str, *, own_key: str, may_start: bool) -> Host:
    """Return where ssh reaches the server, with the host key that it must show.

    Raises:
        ServerStoppedError: it is stopped, and was not to be started.
        NotebakeError: its host key or its private key is not known here, or EC2 refused.
    """
    host_key_of(server)
    key = Path(own_key).expanduser().absolute() if own_key else key_path(server.owner, server.name)
    check_key(key, server.name)
    running = _running(server, may_start=may_start)
    host = Host(
        instance_id=running.id,
        address=running.address,
        user=running.login,
        private_key_path=str(key),
        host_key=host_key_of(running),
    )
    write_entry(running.owner, running.name, host)
    admit(running, person)
    return host


def host_key_of(server: Server) -> str:
    """Return the host key that the server must show.

    Raises:
        NotebakeError: it is not known, and no key is trusted on first use.
    """
    if server.host_key:
        return server.host_key
    raise NotebakeError(
        f"The host key of {server.name} ({server.id}) is not known: its first start is not"
        " complete, and no key is trusted on first use.",
        f"Complete it by the `notebake start … --name {server.name}` with which it was begun.",
    ).with_next(NextCommand(("servers",), "All servers"))


def _running(server: Server, *, may_start: bool) -> Server:
    """Return the server as it runs, with an address; start it if that is needed and wanted."""
    if server.state in ("stopping", "stopped"):
        if not may_start:
            reason = f" ({server.state_reason})" if server.state_reason else ""
            raise ServerStoppedError(f"{server.name} is {server.state}{reason}.").with_next(
                NextCommand(("open", server.name), "To start it again")
            )
        if server.state == "stopping":
            log.info("%s is being stopped; it is started as soon as it has stopped", server.name)
            wait_for_state(server.id, server.region, "stopped")
        return start(server)
    if server.state == "pending":
        log.info("%s is starting", server.name)
    return _with_address(server)


def start(server: Server) -> Server:
    """Start a stopped server; return it as soon as it has an address."""
    log.info("Starting %s (%s)", server.name, server.id)
    start_instance(server.id, server.region)
    return _with_address(server)


def _with_address(server: Server) -> Server:
    if server.state == "running" and server.address:
        return server
    wait_for_state(server.id, server.region, "running")

    def addressed() -> Server | None:
        found = find_server(server.id, server.owner, server.region)
        return found if found.address and found.state == "running" else None

    return wait_until(
        addressed, what=f"the address of {server.id}", timeout_seconds=ADDRESS_SECONDS
    )
