"""Asks a server itself for the port of its JupyterLab of notebake's, and keeps it as a tag.

The tags of an image cannot tell: they are not shown to accounts with which the image is shared.
"""

import logging

from notebake.aws import server_calls, tags
from notebake.commands.jupyter import find_port
from notebake.errors import LoginRefusedError
from notebake.servers.host_work import run_on
from notebake.servers.line_events import USUAL_TIMING, Timing
from notebake.servers.server import Server
from notebake.ssh.host import Host

log = logging.getLogger(__name__)


def with_jupyter_port(server: Server, host: Host, timing: Timing = USUAL_TIMING) -> Server:
    """Return the server with the port of its JupyterLab, asked for over ssh unless it is known.

    A server without one has no such tag, and is asked again at the next opening.

    Raises:
        HostUnreachableError: it does not answer, refuses the key, or shows another host key.
        CloudError: EC2 refused the tag.
    """
    if server.jupyter_port:
        return server
    log.info("Asking %s for its JupyterLab", server.name)
    try:
        port = run_on(host, find_port(), booting=timing).strip()
    except LoginRefusedError as error:
        error.hint = error.hint or _other_login(server)
        raise
    if not port.isdigit():
        return server
    marks = {tags.JUPYTER_PORT: port}
    server_calls.tag_server(server.id, marks, server.region)
    return server.model_copy(update={"tags": server.tags | marks})


def _other_login(server: Server) -> str:
    return (
        "An image of other makers may have another login user than"
        f" {server.login}, such as ec2-user. To set it: aws ec2 create-tags --region"
        f" {server.region} --resources {server.id} --tags Key={tags.LOGIN},Value=USER"
    )
