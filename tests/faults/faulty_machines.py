"""Scripted hosts that can fail: never boot, lose their ssh connections, or fall silent."""

import math
from typing import Any

from paramiko.ssh_exception import SSHException

from notebake.ssh.login import CONNECT_SECONDS, UNACKNOWLEDGED_SECONDS
from notebake.ssh.pooled_connection import OPEN_SECONDS
from tests.kills.scripted_host import ScriptedHost
from tests.kills.scripted_machines import ScriptedMachines
from tests.kills.scripted_ssh import ScriptedChannel, ScriptedConnection
from tests.sandbox.fake_machines import OnExit


class FaultyMachines(ScriptedMachines):
    """What the sandbox's faults do to hosts, done to scripted ones."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.silent: set[str] = set()
        """Hosts from and to which no packet of ssh gets through."""
        self.cuts: dict[str, int] = {}
        """Host → how often its connections were cut."""
        self.dead: set[str] = set()
        """Hosts that never boot, whatever their power is."""

    def boot(self, machine_id: str, on_exit: OnExit) -> None:
        super().boot(machine_id, on_exit)
        if machine_id in self.dead:
            self._keep_from_booting(machine_id)

    def prevent_boot(self, machine_id: str) -> None:
        super().prevent_boot(machine_id)
        self.dead.add(machine_id)
        if machine_id in self.on_exit:
            self._keep_from_booting(machine_id)

    def _keep_from_booting(self, machine_id: str) -> None:
        """A host that hangs before its first program has no switch either."""
        boot = self.hosts[machine_id].boot
        assert boot
        boot.began, boot.lease_until, boot.jupyter_runs = math.inf, None, False

    def cut_ssh(self, machine_id: str) -> int:
        self.cuts[machine_id] = self.cuts.get(machine_id, 0) + 1
        return super().cut_ssh(machine_id)

    def freeze_ssh(self, machine_id: str) -> None:
        super().freeze_ssh(machine_id)
        self.silent.add(machine_id)

    def thaw_ssh(self, machine_id: str) -> int:
        self.silent.discard(machine_id)
        return super().thaw_ssh(machine_id)


class FaultyConnection(ScriptedConnection):
    """A login that notices what happens to its line, and how long that takes to notice."""

    cuts = 0

    def open(self) -> None:
        host = self.world.machines.host_at(self.address)
        if host is not None and host.id in self.world.machines.silent:
            self.world.clock.advance(CONNECT_SECONDS)
            raise TimeoutError(f"{self.address}: timed out")
        super().open()
        assert self.host
        self.cuts = self.world.machines.cuts.get(self.host.id, 0)

    def open_session(self, timeout: float) -> ScriptedChannel:
        if self.host is not None and self.host.id in self.world.machines.silent:
            self.world.clock.advance(min(timeout, OPEN_SECONDS))
            raise SSHException("Timeout opening channel.")
        return super().open_session(timeout)

    def here(self) -> ScriptedHost:
        """Return the host, if the line to it still stands."""
        host = super().here()
        if host.id in self.world.machines.silent:
            self.world.clock.advance(UNACKNOWLEDGED_SECONDS)
            raise EOFError("cut off")
        if self.cuts != self.world.machines.cuts.get(host.id, 0):
            raise EOFError("cut off")
        return host
