"""Checks of JupyterLab on a host: the same for the builder and for machines from the image."""

from notebake.commands import jupyter
from notebake.jupyter import client as jupyter_server
from notebake.ssh import remote as ssh
from notebake.ssh import tunnel
from notebake.ssh.host import Host
from notebake.timeouts import JUPYTER_SECONDS
from notebake.waiting import wait_until


def wait_for_jupyter(host: Host, port: int) -> None:
    """Wait until JupyterLab answers on the host.

    Raises:
        WaitTimeoutError: it does not.
    """
    command = jupyter.wait_for_jupyter(port)
    wait_until(
        lambda: ssh.succeeds(host, command) or None,
        what=f"JupyterLab on {host.address}",
        timeout_seconds=JUPYTER_SECONDS,
        interval_seconds=0.5,
    )


def check_jupyter(host: Host, port: int) -> str:
    """Use JupyterLab through an ssh tunnel, as a person would; return the version of its server."""
    wait_for_jupyter(host, port)
    token = ssh.run_command(host, jupyter.read_token()).strip()
    with tunnel.open_tunnel(host, port) as local_port:
        return jupyter_server.check_server(local_port, token, timeout_seconds=JUPYTER_SECONDS)
