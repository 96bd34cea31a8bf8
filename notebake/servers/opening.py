"""An opened server: the tunnel, the page that is logged in, and what is said while it is open."""

import asyncio
from collections.abc import Callable
from contextlib import suppress

from notebake.commands.jupyter import read_token
from notebake.errors import HostCommandError, HostUnreachableError, NotebakeError
from notebake.jupyter.requests import is_logged_in, list_sessions
from notebake.servers.background import run_in_background
from notebake.servers.folders import Reached
from notebake.servers.idle_state import READ_IDLE_FILE, parse_idle_state
from notebake.servers.line_events import USUAL_TIMING, Event, LineUp, Timing
from notebake.servers.line_keeper import LineKeeper
from notebake.servers.locate import Question, Search, locate
from notebake.servers.login_page import remove_page, url_of, write_page
from notebake.servers.opening_view import Opened, View
from notebake.servers.ports import port_taken_error
from notebake.servers.silence import Silence, at_work_since
from notebake.servers.tunnel import Tunnel
from notebake.ssh.host import Host
from notebake.timeouts import JUPYTER_SECONDS
from notebake.timestamps import utc_from_seconds

PAUSE_SECONDS = 0.2
IDLE_SECONDS = 20
"""How often the idle timer's file is read."""


class Opening:
    """A server that is being opened, or is open, in this process."""

    def __init__(
        self,
        question: Question,
        reached: Reached,
        view: View,
        *,
        port: int,
        is_fresh: bool,
        timing: Timing = USUAL_TIMING,
        find: Callable[[Question, Callable[[str], None]], Reached] = locate,
        search: Search | None = None,
        on_listening: Callable[[], None] = lambda: None,
    ) -> None:
        """`search` is the first one, begun already, where `reached` is only remembered.

        `on_listening` is called as soon as the port is this process's.
        """
        self.reached, self._port, self._view = reached, port, view
        self._question, self._find, self._search = question, find, search
        self._is_fresh, self._timing, self._on_listening = is_fresh, timing, on_listening
        self._may_mount = not is_fresh
        self._token = ""

    async def run(self) -> None:
        """Open the server, and keep it open until cancelled or gone.

        Raises:
            PortTakenError: another program listens on the port.
            NotebakeError: it cannot be opened, or there is no such server any more.
        """
        self._loop = asyncio.get_running_loop()
        self._keeper = LineKeeper(
            self._find_host,
            self._note,
            port=lambda: self._tunnel.port_on_host,
            host=self.reached.host,
            is_fresh=self._is_fresh,
            timing=self._timing,
        )
        self._tunnel = Tunnel(self._keeper, self.reached.jupyter_port or 0)
        try:
            await self._tunnel.listen(self._port)
        except OSError as error:
            raise port_taken_error(self.reached, self._port) from error
        try:
            self._on_listening()
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keeper.run())
                tasks.create_task(self._open())
        except ExceptionGroup as group:
            raise _first_of(group) from None
        finally:
            self._tunnel.close()
            self._keeper.close()
            remove_page(self.reached)

    async def _open(self) -> None:
        """Log in, show the page, check that it is the right server; then look at its idle timer."""
        await self._log_in()
        url = url_of(self._port, self._token)
        page = write_page(self.reached, url)
        self._view.opened(Opened(self.reached, self._port, url, page))
        if not self._is_fresh:
            with suppress(NotebakeError):  # without AWS it stays open, too
                self._keeper.move_to(await run_in_background(self._find_host_first))
        while True:
            await self._look_at_idle_timer()
            await asyncio.sleep(IDLE_SECONDS)

    async def _log_in(self) -> None:
        """Read the token over the line, and wait until JupyterLab takes it.

        Raises:
            NotebakeError: it did not within JUPYTER_SECONDS.
        """
        began = self._loop.time()
        failure: Exception | None = None
        while self._loop.time() < began + JUPYTER_SECONDS:
            try:
                line = await self._keeper.wait_for_line(began + JUPYTER_SECONDS)
                if line:
                    self._token = (await line.run(read_token())).strip()
                if line and await is_logged_in(self._port, self._token):
                    return
                failure = NotebakeError("JupyterLab does not take its own token")
            except (OSError, HostCommandError, HostUnreachableError) as error:
                failure = error
            await asyncio.sleep(PAUSE_SECONDS)
        raise NotebakeError(
            f"JupyterLab on {self.reached.name} did not answer within {JUPYTER_SECONDS} s:"
            f" {failure}.",
            "Log in by ssh and see: journalctl --unit=notebake-jupyter",
        )

    def _find_host_first(self) -> Host:
        """Return the host of the first search, also if its answer has been taken already."""
        if self._search:
            return self._use(self._search.answer(self._report))
        return self._find_host()

    def _find_host(self) -> Host:
        """Ask AWS where the server is; runs beside the loop, and may start it the first time."""
        if self._search and not self._search.is_answered:
            return self._find_host_first()
        changes = {"may_start": not self._token, "mounts": self._may_mount}
        question = self._question.about(self.reached).model_copy(update=changes)
        return self._use(self._find(question, self._report))

    def _report(self, text: str) -> None:
        self._loop.call_soon_threadsafe(self._view.progress, text)

    def _use(self, found: Reached) -> Host:
        """Take what was found, and return its host."""
        self.reached = found
        self._may_mount = False  # once: after an outage the line must not wait for it
        if self.reached.jupyter_port:
            self._tunnel.port_on_host = self.reached.jupyter_port
        return self.reached.host

    def _note(self, event: Event) -> None:
        """Show what happens to the line, and after an outage what it may have cost."""
        self._view.line(event)
        if isinstance(event, LineUp) and event.silent_since is not None:
            self._telling = self._loop.create_task(self._tell_loss(event.silent_since, event.at))

    async def _tell_loss(self, began: float, ended: float) -> None:
        since = utc_from_seconds(began)
        try:
            sessions = await list_sessions(self._port, self._token)
            notebooks = at_work_since(sessions, since)
        except OSError:
            notebooks = None
        ended_at = utc_from_seconds(ended)
        self._view.back(Silence(began=since, ended=ended_at, notebooks=notebooks))

    async def _look_at_idle_timer(self) -> None:
        """Show what the idle timer says; a machine without one says nothing."""
        line = self._keeper.line
        if line is None:
            return
        with suppress(NotebakeError):
            if state := parse_idle_state(await line.run(READ_IDLE_FILE)):
                self._view.idle(state)


def _first_of(group: "ExceptionGroup[Exception]") -> Exception:
    """Return the error for a person, if the group has one."""
    known = [error for error in group.exceptions if isinstance(error, NotebakeError)]
    return known[0] if known else group
