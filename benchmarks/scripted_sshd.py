"""An ssh server before each scripted host, so that a build speaks to it through its own client."""

import logging
import os
import re
import shlex
import socket
import threading
from contextlib import suppress
from io import BytesIO, StringIO
from typing import Any

import paramiko
from paramiko.common import AUTH_FAILED, AUTH_SUCCESSFUL, OPEN_SUCCEEDED

from notebake.recipe import Recipe
from notebake.ssh.framing import RUN_SCRIPT, SFTP_SCRIPT
from notebake.ssh.tunnel import relay
from tests.kills.scripted_commands import answer
from tests.kills.scripted_host import ScriptedHost

log = logging.getLogger(__name__)
LOOK_UP_SECONDS = 1.0


class SshDoor:
    """Lets callers in to one host, from its boot to its power-off."""

    def __init__(
        self, host: ScriptedHost, recipe: Recipe, place: tuple[str, int], jupyter_port: int
    ) -> None:
        self.host, self.recipe, self.jupyter_port = host, recipe, jupyter_port
        self._is_open = True
        self._lines: list[paramiko.Transport] = []
        self._listener = socket.create_server(place)
        threading.Thread(target=self._let_in, daemon=True).start()

    def close(self) -> None:
        """Cut every line, as a host does that loses its power."""
        self._is_open = False
        with suppress(OSError):
            # Closing alone would not wake the thread that waits for callers.
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for line in self._lines:
            line.close()

    def _let_in(self) -> None:
        while self._is_open:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def _serve(self, caller: socket.socket) -> None:
        line, login = Line(caller), Login(self)
        self._lines.append(line)
        private = StringIO(self.host.root.private_host_key)
        try:
            line.add_server_key(paramiko.Ed25519Key.from_private_key(private))
            line.start_server(server=login)
            # paramiko closes a channel that nobody holds.
            held: list[paramiko.Channel] = []
            while line.is_active():
                channel = line.accept(LOOK_UP_SECONDS)
                held = [
                    candidate
                    for candidate in (*held, channel)
                    if candidate is not None and not candidate.closed
                ]
                if channel is not None and channel.chanid in login.tunnels:
                    threading.Thread(target=self._lead, args=(channel,), daemon=True).start()
        except (paramiko.SSHException, EOFError, OSError) as error:
            log.debug("A line to %s ended: %r", self.host.id, error)
        finally:
            line.close()
            self._lines.remove(line)

    def _lead(self, channel: paramiko.Channel) -> None:
        with channel, socket.create_connection(("127.0.0.1", self.jupyter_port)) as server:
            relay(server, channel, threading.Event())


class Line(paramiko.Transport):  # type: ignore[misc]  # paramiko has no types
    """Begins what was asked for once the caller has been told that it was understood.

    paramiko tells him only after `check_channel_exec_request`: a quick answer would come first.
    """

    def __init__(self, caller: socket.socket) -> None:
        super().__init__(caller)
        self.next: threading.Thread | None = None

    def _send_user_message(self, data: Any) -> None:
        super()._send_user_message(data)
        if threading.current_thread() is self and self.next:
            begun, self.next = self.next, None
            begun.start()


class Login(paramiko.ServerInterface):  # type: ignore[misc]  # paramiko has no types
    """What one caller may do: what its key allows."""

    def __init__(self, door: SshDoor) -> None:
        self.door = door
        self.tunnels: set[int] = set()

    def get_allowed_auths(self, username: str) -> str:
        """Say that only keys are taken."""
        del username
        return "publickey"

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        """Let in who has a key that the host knows."""
        del username
        known = f"{key.get_name()} {key.get_base64()}" in self.door.host.root.authorized
        return int(AUTH_SUCCESSFUL if known else AUTH_FAILED)

    def check_channel_request(self, kind: str, chanid: int) -> int:
        """Allow sessions."""
        del kind, chanid
        return int(OPEN_SUCCEEDED)

    def check_channel_direct_tcpip_request(self, chanid: int, *_: object) -> int:
        """Lead to JupyterLab, the only thing that listens on such a host."""
        self.tunnels.add(chanid)
        return int(OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        """Obey a command, beside the thread that serves the line."""
        arguments = (channel, command.decode())
        channel.transport.next = threading.Thread(target=self._obey, args=arguments, daemon=True)
        return True

    def _obey(self, channel: paramiko.Channel, line: str) -> None:
        mark, command = understood(line)
        with suppress(OSError, EOFError), channel:
            if command is None:
                channel.sendall(f"{mark} begin\n".encode())
                paramiko.SFTPServer(channel, "sftp", self, Files, self.door.host).run()
                return
            reply = answer(self.door.recipe, self.door.host, command)
            streams = ((channel.sendall, reply.output), (channel.sendall_stderr, reply.errors))
            for send, message in streams:
                send(f"{mark} begin\n{message}{mark} end {reply.code}\n".encode())
            channel.send_exit_status(0)


def understood(line: str) -> tuple[str, str | None]:
    """Return the mark of a line as notebake.ssh.framing writes it, and its command.

    None where files are asked for.
    """
    words = shlex.split(line)
    program, first, second, *more = words[words.index("-c") + 1 :]
    if program == SFTP_SCRIPT:
        return first + second, None
    if program != RUN_SCRIPT:
        raise ValueError(f"not a frame: {line[:200]}")
    plain = re.sub(r"\\x(..)", lambda found: chr(int(found[1], 16)), more[0])
    return first + second, plain.encode("latin-1").decode()


class Files(paramiko.SFTPServerInterface):  # type: ignore[misc]  # paramiko has no types
    """The host's files, as sftp sees them."""

    def __init__(self, server: Login, host: ScriptedHost) -> None:
        super().__init__(server)
        self.files = host.root.files

    def open(self, path: str, flags: int, attr: object) -> Any:
        """Open a file."""
        del attr
        is_written = bool(flags & (os.O_WRONLY | os.O_RDWR))
        if path not in self.files and not is_written:
            return paramiko.SFTP_NO_SUCH_FILE
        return OpenFile(self.files, path, is_written=is_written, is_new=bool(flags & os.O_TRUNC))

    def stat(self, path: str) -> Any:
        """Tell the size of a file."""
        if path not in self.files:
            return paramiko.SFTP_NO_SUCH_FILE
        return sized(len(self.files[path]))

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        """Put a file in another one's place."""
        self.files[newpath] = self.files.pop(oldpath)
        return int(paramiko.SFTP_OK)


class OpenFile(paramiko.SFTPHandle):  # type: ignore[misc]  # paramiko has no types
    """A file that is read, or that is kept when it is closed."""

    def __init__(
        self, files: dict[str, bytes], path: str, *, is_written: bool, is_new: bool
    ) -> None:
        super().__init__()
        self._files, self._path, self._is_written = files, path, is_written
        self.readfile = self.writefile = BytesIO(b"" if is_new else files.get(path, b""))

    def stat(self) -> Any:
        """Tell its size."""
        return sized(self.readfile.getbuffer().nbytes)

    def close(self) -> None:
        """Keep what was written."""
        if self._is_written:
            self._files[self._path] = self.writefile.getvalue()
        super().close()


def sized(size: int) -> Any:
    """Return what sftp tells of a plain file."""
    attributes = paramiko.SFTPAttributes()
    attributes.st_size, attributes.st_mode = size, 0o100644
    return attributes
