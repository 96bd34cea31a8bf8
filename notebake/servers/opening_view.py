"""What is shown of a server while it is open."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from notebake.servers.folders import Reached
from notebake.servers.idle_state import IdleState
from notebake.servers.line_events import Event
from notebake.servers.silence import Silence


@dataclass(frozen=True)
class Opened:
    """JupyterLab has answered, logged in; `url` holds the token."""

    reached: Reached
    port: int
    url: str
    page: Path


class View(Protocol):
    """Shows what happens; all of it is called in the event loop."""

    def progress(self, text: str) -> None: ...
    def line(self, event: Event) -> None: ...
    def opened(self, opened: Opened) -> None: ...
    def back(self, silence: Silence) -> None: ...
    def idle(self, state: IdleState) -> None: ...
