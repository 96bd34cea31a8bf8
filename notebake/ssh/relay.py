"""Passes bytes between a program on this computer and a channel to a host, in both directions."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import asyncssh


@dataclass
class Traffic:
    """When something last went to a host, and came from it; in the loop's seconds."""

    sent_at: float = 0
    heard_at: float = 0


MAX_WAITING_BYTES = 64 * 1024
"""How much a program may send before the host answers; more waits in the program."""


class ClientSide(asyncio.Protocol):
    """A connection of a program; what it sends waits until there is a channel to the host."""

    def __init__(self, on_connect: Callable[["ClientSide"], None]) -> None:
        self._on_connect = on_connect
        self._waiting: list[bytes] = []
        self._has_ended = False
        self._channel: asyncssh.SSHTCPChannel[bytes] | None = None
        self._transport: asyncio.Transport | None = None
        self._traffic = Traffic()
        self._now = asyncio.get_running_loop().time
        self.is_closed = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._on_connect(self)

    def data_received(self, data: bytes) -> None:
        if self._channel:
            self._channel.write(data)
            self._traffic.sent_at = self._now()
            return
        self._waiting.append(data)
        if self._transport and sum(map(len, self._waiting)) > MAX_WAITING_BYTES:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._has_ended = True
        if self._channel:
            self._channel.write_eof()
        return True

    def connection_lost(self, error: Exception | None) -> None:
        del error
        self.is_closed = True
        if self._channel:
            self._channel.close()

    def pause_writing(self) -> None:
        if self._channel:
            self._channel.pause_reading()

    def resume_writing(self) -> None:
        if self._channel:
            self._channel.resume_reading()

    def join(
        self, channel: "asyncssh.SSHTCPChannel[bytes]", traffic: Traffic
    ) -> "asyncio.Transport":
        """Send what has waited into the channel; return where its answers go."""
        if self._transport is None:
            raise ConnectionResetError("the program has not connected")
        self._channel, self._traffic = channel, traffic
        for data in self._waiting:
            channel.write(data)
        self._waiting.clear()
        if self._has_ended:
            channel.write_eof()
        self._transport.resume_reading()
        return self._transport

    def close(self) -> None:
        """End the program's connection; what is on its way to it still arrives."""
        if self._transport:
            self._transport.close()


class HostSide(asyncssh.SSHTCPSession[bytes]):
    """The channel to the host."""

    def __init__(self, client: ClientSide, traffic: Traffic) -> None:
        self._client, self._traffic = client, traffic
        self._now = asyncio.get_running_loop().time
        self._transport: asyncio.Transport | None = None

    def connection_made(self, chan: "asyncssh.SSHTCPChannel[bytes]") -> None:
        self._transport = self._client.join(chan, self._traffic)
        if self._client.is_closed:
            chan.close()

    def data_received(self, data: bytes, datatype: asyncssh.DataType) -> None:
        del datatype
        self._traffic.heard_at = self._now()
        if self._transport and not self._client.is_closed:
            self._transport.write(data)

    def eof_received(self) -> bool:
        if self._transport and not self._client.is_closed:
            self._transport.write_eof()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        del exc
        self._client.close()

    def pause_writing(self) -> None:
        if self._transport:
            self._transport.pause_reading()

    def resume_writing(self) -> None:
        if self._transport:
            self._transport.resume_reading()
