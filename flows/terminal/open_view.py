"""What `open` shows: a line for each thing that happens, and on a terminal the state below them."""

import datetime
from collections.abc import Callable
from types import TracebackType
from typing import Self

from rich.live import Live
from rich.text import Text

from flows.terminal.console import open_console
from flows.terminal.plain_lines import print_whole_words
from notebake import clock
from notebake.errors import HostUnreachableError, NotebakeError, describe_next
from notebake.servers.idle_state import WARNING_MINUTES, IdleState
from notebake.servers.line_events import Event, LineLost, LineUp, Trouble
from notebake.servers.next_command import NamedServer, command_on
from notebake.servers.opening_view import Opened
from notebake.servers.silence import Silence, describe_silence
from notebake.timestamps import utc_from_seconds

KEYS = "k: keep it another hour · Ctrl-C: close the tunnel; what runs there goes on"
"""With the two columns before it, it has to fit into 80."""


class OpenView:
    """Shows what happens to an open server. Nothing is drawn while nothing happens."""

    def __init__(self, server: NamedServer, *, on_open: Callable[[Opened], None]) -> None:
        self._server, self._on_open = server, on_open
        self._console = open_console()
        self._live: Live | None = None
        self._warned_of: datetime.datetime | None = None
        self._state, self._place = "connecting", ""
        self._had_line = False
        self.has_keys = False

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(self._line(), console=self._console, auto_refresh=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live:
            self._live.update(Text(""), refresh=True)
            self._live.stop()

    def progress(self, text: str) -> None:
        self.lines(text)

    def line(self, event: Event) -> None:
        """Show what happened to the line; a return is shown when it is known what it has cost."""
        if isinstance(event, LineLost):
            self._set("line lost, dialling")
            self.lines(f"The line to {self._server.name} is lost; dialling. The page waits.")
        elif isinstance(event, Trouble):
            self._say_trouble(event.error)
        elif isinstance(event, LineUp):
            self._had_line = True
            self._set("open")

    def opened(self, opened: Opened) -> None:
        self._set("open", f"http://127.0.0.1:{opened.port}")
        self.lines(f"{self._server.name} is open at http://127.0.0.1:{opened.port}")
        self._on_open(opened)

    def back(self, silence: Silence) -> None:
        self.lines(*describe_silence(silence))

    def idle(self, state: IdleState) -> None:
        """Warn once before each stop, and say so if it does not come."""
        left = state.minutes_left(utc_from_seconds(clock.now()))
        if left is None or left > WARNING_MINUTES:
            if self._warned_of and state.why != "hard end":
                self.lines(f"{self._server.name} does not stop for now.")
            self._warned_of = None
        elif self._warned_of is None:
            self._warned_of = state.stops_at
            self.lines(*self._warning(state, left))

    def closed(self) -> None:
        self.lines(f"Closed. {self._server.name} goes on, and stops by itself when it is idle.")

    def lines(self, *texts: str) -> None:
        for text in texts:
            if "ssh -" in text:  # to be copied
                self._console.print(text, markup=False, soft_wrap=True)
            else:
                print_whole_words(self._console, [text])

    def _say_trouble(self, error: NotebakeError) -> None:
        """Say why there is no line; that a machine which boots does not listen yet is usual."""
        if type(error) is HostUnreachableError and not self._had_line:
            self.lines(f"{self._server.name} does not answer over ssh yet; waiting until it does")
        else:
            self.lines(str(error))

    def _warning(self, state: IdleState, left: float) -> list[str]:
        minutes = max(1, round(left))
        why = "nobody uses it" if state.why == "idle" else f"it has reached its {state.why}"
        said = f"{self._server.name} stops in {minutes} min, because {why}."
        if state.why != "idle":
            return [said]
        if self.has_keys:
            return [f"{said} Press k to keep it for another hour."]
        keep = command_on(self._server, "keep", "--for", "1h", purpose="To keep it")
        return [said, *describe_next([keep])]

    def _set(self, state: str, place: str = "") -> None:
        self._state, self._place = state, place or self._place
        if self._live:
            self._live.update(self._line(), refresh=True)

    def _line(self) -> Text:
        colour = "green" if self._state == "open" else "yellow"
        keys = KEYS if self.has_keys else "Ctrl-C closes the tunnel; what runs there goes on"
        return Text.assemble(
            ("● ", colour),
            (f"{self._server.name} {self._state}", "bold"),
            f"  {self._place}\n  ",
            (keys, "dim"),
        )
