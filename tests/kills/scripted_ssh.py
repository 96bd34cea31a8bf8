"""ssh to scripted hosts, in the place of what notebake.ssh takes from Fabric and Paramiko."""

import socket
from collections.abc import Callable
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any, Self

import fabric
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_ssh_private_key,
)
from paramiko.ssh_exception import AuthenticationException, ChannelException, SSHException

from notebake.ssh import connection, file_transfer, login, tunnel
from tests.kills.scripted_commands import answer
from tests.kills.scripted_disks import without_comment
from tests.kills.scripted_host import Boot, ScriptedHost
from tests.replacement import replace


class ScriptedConnection:
    """One login; also its own client and transport."""

    world: Any

    def __init__(self, address: str, **_: object) -> None:
        self.address = address
        self.connect_kwargs: dict[str, Any] = {}
        self.expected_key = ""
        self.server_extensions: dict[str, bytes] = {}
        self.host: ScriptedHost | None = None
        self.boot: Boot | None = None
        self.client = self.transport = self

    def set_missing_host_key_policy(self, policy: object) -> None:
        assert type(policy).__name__ == "RejectPolicy"

    def get_host_keys(self) -> Self:
        return self

    def get_transport(self) -> Self:
        return self

    def add(self, address: str, kind: str, key: Any) -> None:
        assert address == self.address
        self.expected_key = f"{kind} {key.get_base64()}"

    def set_keepalive(self, seconds: int) -> None:
        assert seconds > 0

    def open(self) -> None:
        """Log in."""
        host = self.world.machines.host_at(self.address)
        if host is None or not host.answers:
            raise ConnectionRefusedError(f"{self.address}: nobody answers")
        self.host, self.boot = host, host.boot
        if without_comment(host.root.host_key) != self.expected_key:
            raise SSHException(f"{self.address}: its host key is another")
        key = Path(self.connect_kwargs["key_filename"]).read_bytes()
        if public_half(key) not in host.root.authorized:
            raise AuthenticationException(self.address)

    def is_active(self) -> bool:
        return self.host is not None and self.host.boot is self.boot

    def join(self, timeout: float) -> None:
        """Nothing here ends a moment later."""

    def close(self) -> None:
        self.host = None

    def open_session(self, timeout: float) -> "ScriptedChannel":
        assert timeout > 0
        self.here()
        return ScriptedChannel(self)

    def open_channel(self, kind: str, target: tuple[str, int], *_: object, **__: object) -> Any:
        """Lead to a small JupyterLab, if the host has one there."""
        host = self.here()
        assert kind == "direct-tcpip"
        if not host.boot or not host.boot.jupyter_runs or host.root.jupyter_port != target[1]:
            raise ChannelException(2, "Connect failed")
        return socket.create_connection(("127.0.0.1", self.world.jupyter_port))

    def here(self) -> ScriptedHost:
        """Return the host, if it is on as it was at the login."""
        if self.host is None or self.host.boot is not self.boot:
            raise EOFError
        return self.host


class ScriptedChannel:
    """One channel of a connection."""

    def __init__(self, connection: ScriptedConnection) -> None:
        self.connection = connection

    def settimeout(self, seconds: float) -> None:
        assert seconds > 0

    def close(self) -> None:
        """Nothing is kept."""


def ask(channel: ScriptedChannel, command: str) -> tuple[int, str, str]:
    """Run a command; the road there decides whether it and its answer arrive."""
    world = channel.connection.world

    def effect() -> tuple[int, str, str]:
        reply = answer(world.recipe, channel.connection.here(), command)
        channel.connection.here()
        return reply.code, reply.output, reply.errors

    reported: tuple[int, str, str] = world.exchange(command, effect, channel.connection.close)
    return reported


class ScriptedFiles:
    """A file channel."""

    def __init__(self, channel: ScriptedChannel) -> None:
        self.connection = channel.connection

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def open(self, path: str, mode: str) -> "ScriptedFile":
        old = self.files().get(path, b"") if mode == "r+b" else b""
        return ScriptedFile(
            old, lambda content: self.exchange(f"write {path}", self.keep(path, content))
        )

    def posix_rename(self, path: str, new_path: str) -> None:
        def effect() -> None:
            files = self.files()
            files[new_path] = files.pop(path)

        self.exchange(f"rename to {new_path}", effect)

    def getfo(self, path: str, into: Any) -> None:
        def effect() -> bytes:
            if path not in self.files():
                raise FileNotFoundError(path)
            return self.files()[path]

        into.write(self.exchange(f"get {path}", effect))

    def files(self) -> dict[str, bytes]:
        return self.connection.here().root.files

    def keep(self, path: str, content: bytes) -> Callable[[], None]:
        return lambda: self.files().update({path: content})

    def exchange(self, message: str, effect: Callable[[], Any]) -> Any:
        return self.connection.world.exchange(message, effect, self.connection.close)


class ScriptedFile(BytesIO):
    """A file that is being written: it arrives when it is closed."""

    def __init__(self, old: bytes, arrive: Callable[[bytes], None]) -> None:
        super().__init__(old)
        self.arrive = arrive

    def set_pipelined(self, pipelined: bool) -> None:
        assert pipelined

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.arrive(self.getvalue())


@cache
def public_half(private_key: bytes) -> str:
    """Return the public key that belongs to a private one."""
    public = load_ssh_private_key(private_key, None).public_key()
    return public.public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH).decode()


def put_in_place(world: Any) -> None:
    """Let every login of this process lead to the world's hosts."""
    ScriptedConnection.world = world
    replace(fabric, Connection=ScriptedConnection)
    replace(login, _connect=lambda _address: None)
    replace(connection, exec_framed=ask)
    replace(file_transfer, start_sftp=ScriptedFiles)
    replace(tunnel, POLL_SECONDS=0.005)
