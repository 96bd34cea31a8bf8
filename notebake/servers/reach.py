"""Makes a server reachable from this computer: started, this computer let in, its entry written."""

import logging
from pathlib import Path

from notebake.errors import NotebakeError
from notebake.servers.admission import admit
from notebake.servers.find import list_command
from notebake.servers.keys import check_key, key_path, remember_own
from notebake.servers.locate import ServerStoppedError
from notebake.servers.next_command import command_on
from notebake.servers.power import start_server, wait_until_running
from notebake.servers.server import Server
from notebake.servers.ssh_config import write_entry
from notebake.ssh.host import Host

log = logging.getLogger(__name__)


def reach(server: Server, person: str, *, own_key: str, may_start: bool) -> Host:
    """Return where ssh reaches the server, with the host key that it must show.

    Raises:
        ServerStoppedError: it is stopped, and was not to be started.
        NotebakeError: its host key or its private key is not known here, or EC2 refused.
    """
    host_key_of(server)
    key = Path(own_key).expanduser().absolute() if own_key else key_path(server)
    check_key(key, server)
    remember_own(server, key)
    running = _running(server, may_start=may_start)
    host = Host(
        instance_id=running.id,
        address=running.address,
        user=running.login,
        private_key_path=str(key),
        host_key=host_key_of(running),
    )
    write_entry(running, host)
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
    ).with_next(list_command(server.region))


def _running(server: Server, *, may_start: bool) -> Server:
    """Return the server as it runs, with an address; start it if that is needed and wanted."""
    if server.state in ("stopping", "stopped"):
        if not may_start:
            reason = f" ({server.state_reason})" if server.state_reason else ""
            raise ServerStoppedError(f"{server.name} is {server.state}{reason}.").with_next(
                command_on(server, "open", purpose="To start it again")
            )
        log.info("Starting %s (%s)", server.name, server.id)
        return start_server(server)
    if server.state == "pending":
        log.info("%s is starting", server.name)
    return wait_until_running(server)
