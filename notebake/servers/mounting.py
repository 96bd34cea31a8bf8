"""Mounts the disks of a server that its image knows nothing of, over ssh; may be repeated."""

import logging
from shlex import quote

from notebake.commands.volumes import prepare_volume
from notebake.errors import HostCommandError, NotebakeError
from notebake.humanize import clean_text
from notebake.recipe import Volume
from notebake.servers.host_work import run_on
from notebake.servers.line_events import USUAL_TIMING, Timing
from notebake.servers.next_command import command_on
from notebake.servers.server import Server
from notebake.servers.server_disks import ServerDisk, disks_of
from notebake.ssh.host import Host

log = logging.getLogger(__name__)
MOUNT_SECONDS = 300
"""How long it may take to format a disk, which writes little of it, and to mount it."""


def mount_disks(server: Server, host: Host, *, booting: Timing | None = USUAL_TIMING) -> None:
    """Format each disk of the server's tag that is blank, and mount it now and at each boot.

    A disk that is not attached any more is left out: another server has it. `booting` says for how
    long a server is dialled that may still boot; None: it has to answer now.

    Raises:
        NotebakeError: one cannot be mounted, such as for other content; the others are.
    """
    failures: list[str] = []
    for disk in disks_of(server):
        volume_id = server.volume_ids.get(disk.device)
        if volume_id is None:
            log.info("The disk %s is not on %s any more", disk.name, server.name)
            continue
        command = mount_command(disk, volume_id, server.login)
        try:
            said = run_on(host, command, timeout_seconds=MOUNT_SECONDS, booting=booting)
        except HostCommandError as error:
            # The script's own last words; the script itself would hide them.
            failures.append(last_line(error.output))
        except NotebakeError as error:
            failures.append(error.message)
        else:
            log.info("%s", last_line(said))
    if failures:
        raise NotebakeError(
            f"The server {server.name} runs, but not all its disks are mounted. "
            + " ".join(failures)
        ).with_next(command_on(server, "open", purpose="To try again, and to look"))


def last_line(text: str) -> str:
    """Return the last line that a host has printed, without control sequences."""
    return clean_text(text).strip().rpartition("\n")[2]


def mount_command(disk: ServerDisk, volume_id: str, user: str) -> str:
    """Return the command with which the login user mounts a disk."""
    volume = Volume(name=disk.name, mount_point=disk.mount)
    return f"sudo bash -c {quote(prepare_volume(volume=volume, volume_id=volume_id, user=user))}"
