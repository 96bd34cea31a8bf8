"""What a machine must show, the same for the builder and for machines from the image."""

from notebake import host as ssh
from notebake import jupyter_server
from notebake.commands.jupyter import jupyter_is_running, read_token
from notebake.records import Host
from notebake.waiting import wait_until


def check_jupyter(host: Host, port: int) -> str:
    """Reach JupyterLab as a person would, through a tunnel, and return its version."""
    wait_until(
        lambda: ssh.succeeds(host, jupyter_is_running(port)) or None,
        what=f"JupyterLab on {host.address}",
        timeout_seconds=180,
        interval_seconds=0.5,
    )
    token = ssh.run_command(host, read_token()).strip()
    with ssh.forward_port(host, port) as local_port:
        return jupyter_server.check_server(local_port, token)
