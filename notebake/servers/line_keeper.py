"""Keeps a line to a server: dials again, at the address of that moment, whenever it is lost."""

import asyncio
from collections.abc import Callable

from notebake import clock
from notebake.errors import HostUnreachableError, NotebakeError
from notebake.servers.background import run_in_background
from notebake.servers.line_events import USUAL_TIMING, LineLost, LineUp, Report, Timing, Trouble
from notebake.servers.locate import ServerGoneError
from notebake.ssh.host import Host
from notebake.ssh.line import Line, open_line

SHARE_OF_ABSENCE, MAX_FIND_SECONDS = 0.1, 60
"""After a long absence the address is asked for less often: a search is a process of its own."""


class LineKeeper:
    """A line that is dialled again whenever it is lost, at the address of that moment."""

    def __init__(
        self,
        find_host: Callable[[], Host],
        report: Report,
        *,
        port: Callable[[], int],
        host: Host,
        is_fresh: bool,
        timing: Timing = USUAL_TIMING,
    ) -> None:
        """`find_host` may block and raise; `port` is that of JupyterLab on the host.

        `host` is fresh if its address was asked for just now, not only remembered.
        """
        self.timing = timing
        self.line: Line | None = None
        self._find_host, self._report, self._port = find_host, report, port
        self._host, self._is_fresh = host, is_fresh
        self._host_changed = asyncio.Event()
        self._line_changed = asyncio.Event()
        self._silent_since: float | None = None
        self._shown = set[str]()

    async def run(self) -> None:
        """Keep the line until cancelled, or until an error makes that pointless.

        Raises:
            ServerGoneError: there is no such server any more.
            NotebakeError: before there was any line: the error of `find_host`, another host key
                than the expected one, or the last error when the time for the first line is over.
        """
        while True:
            line = await self._dial()
            self._set_line(line)
            self._report(LineUp(line.host, clock.now(), self._silent_since))
            self._shown.clear()
            self._silent_since = await self._watch(line)
            self._set_line(None)
            self._report(LineLost(clock.now(), self._silent_since))

    async def wait_for_line(self, deadline: float) -> Line | None:
        """Return the line; None if there is none by the loop's time `deadline`."""
        while self.line is None:
            changed = self._line_changed
            try:
                async with asyncio.timeout_at(deadline):
                    await changed.wait()
            except TimeoutError:
                return None
        return self.line

    def close(self) -> None:
        if self.line:
            self.line.drop(was_silent=False)

    def _set_line(self, line: Line | None) -> None:
        self.line = line
        self._line_changed.set()
        self._line_changed = asyncio.Event()

    @property
    def _is_first(self) -> bool:
        """Whether there was no line yet: then errors end the dialling."""
        return self._silent_since is None

    async def _dial(self) -> Line:
        """Return a line as soon as there can be one, while the address is asked for again."""
        finding = asyncio.create_task(self._keep_finding())
        dialling = asyncio.create_task(self._keep_dialling())
        try:
            await asyncio.wait({finding, dialling}, return_when=asyncio.FIRST_COMPLETED)
            if not dialling.done():
                finding.result()  # it ends by an error only
            return await dialling
        finally:
            finding.cancel()
            dialling.cancel()

    async def _keep_finding(self) -> None:
        """Ask for the address again and again; end by an error only."""
        if self._is_first and self._is_fresh:
            await asyncio.sleep(self.timing.find_seconds)
        began = clock.elapsed()
        while True:
            try:
                found = await run_in_background(self._find_host)
            except ServerGoneError:
                raise
            except NotebakeError as error:
                if self._is_first:
                    raise
                self._tell(error)
            else:
                self.move_to(found)
            away = SHARE_OF_ABSENCE * (clock.elapsed() - began)
            await asyncio.sleep(max(self.timing.find_seconds, min(away, MAX_FIND_SECONDS)))

    def move_to(self, found: Host) -> None:
        """Use this host from now on; a line to another one is dropped."""
        self._is_fresh = True
        if found != self._host:
            self._host = found
            self._host_changed.set()
            if self.line and self.line.host != found:
                self.line.drop(was_silent=False)

    async def _keep_dialling(self) -> Line:
        """Dial the newest address until somebody answers who shows the right host key."""
        began = clock.elapsed()
        while True:
            self._host_changed.clear()
            dialling = asyncio.create_task(open_line(self._host, self.timing.keepalive))
            changing = asyncio.create_task(self._host_changed.wait())
            was_fresh = self._is_fresh
            try:
                await asyncio.wait({dialling, changing}, return_when=asyncio.FIRST_COMPLETED)
                if dialling.done():
                    return dialling.result()
            except HostUnreachableError as error:
                if self._is_first and was_fresh and self._is_over(error, began):
                    raise
                if was_fresh:
                    self._tell(error)
                await asyncio.sleep(self.timing.tick_seconds / 2)
            finally:
                changing.cancel()
                if not dialling.done():
                    dialling.cancel()

    def _is_over(self, error: HostUnreachableError, began: float) -> bool:
        """Return whether the first line is given up, after an error of a fresh address."""
        return clock.elapsed() - began >= self.timing.seconds_to_bear(error)

    def _tell(self, error: NotebakeError) -> None:
        """Report what keeps the line from being there: each message once until it is back."""
        if error.message not in self._shown:
            self._shown.add(error.message)
            self._report(Trouble(error))

    async def _watch(self, line: Line) -> float:
        """Wait until the line is lost; return when it was last known to work (since 1970)."""
        while True:
            wall, boot = clock.now(), clock.elapsed_with_sleep()
            done, _ = await asyncio.wait({line.lost}, timeout=self.timing.tick_seconds)
            if done:
                silent = self.timing.keepalive.silent_seconds if line.lost.result() else 0
                return clock.now() - silent
            late = max(clock.now() - wall, clock.elapsed_with_sleep() - boot)
            has_jumped = late > self.timing.tick_seconds + self.timing.jump_seconds
            is_unanswered = self._is_unanswered(line)
            if not (has_jumped or is_unanswered):
                continue
            within = self.timing.answer_seconds
            if not await line.is_alive(self._port(), within):
                line.drop(was_silent=True)
                return clock.now() - self.timing.unanswered_seconds if is_unanswered else wall
            line.traffic.heard_at = asyncio.get_running_loop().time()

    def _is_unanswered(self, line: Line) -> bool:
        """Return whether the browser has sent something, and nothing came back for a while.

        What a person does meanwhile may be lost, so the keepalive's time would be long.
        """
        waited = asyncio.get_running_loop().time() - line.traffic.sent_at
        is_waiting = line.traffic.sent_at > line.traffic.heard_at
        return is_waiting and waited >= self.timing.unanswered_seconds
