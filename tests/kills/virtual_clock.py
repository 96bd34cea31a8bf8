"""Time that passes only where somebody waits for it: a day of waiting takes no time."""

import threading
from collections.abc import Callable
from typing import Any

BEGINNING = 1_800_000_000.0


class VirtualClock:
    """Stands in for notebake's clock; whoever pauses lets the world go on for so long."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.on_advance: Callable[[], None] = lambda: None
        self.ends_at_pause: set[threading.Event] = set()
        """What ends the threads that work beside a run."""

    def now(self) -> float:
        return BEGINNING + self.seconds

    def elapsed(self) -> float:
        return self.seconds

    def elapsed_with_sleep(self) -> float:
        return self.seconds

    def pause(self, seconds: float, stop: threading.Event | None) -> bool:
        """Let the world go on."""
        if stop in self.ends_at_pause and stop is not None:
            stop.set()
            return True
        if stop is not None and stop.is_set():
            return True
        self.advance(seconds)
        return stop is not None and stop.is_set()

    def advance(self, seconds: float) -> None:
        """Let so many seconds pass for everybody."""
        self.seconds += seconds
        self.on_advance()


def thread_class(clock: VirtualClock) -> type:
    """Return what stands in for Thread: it works where it is started, up to its first pause."""

    class OnceThread:
        def __init__(self, target: Callable[..., Any], args: tuple[Any, ...], **_: object) -> None:
            self.target, self.args = target, args
            clock.ends_at_pause |= {
                argument for argument in args if isinstance(argument, threading.Event)
            }

        def start(self) -> None:
            self.target(*self.args)

        def join(self, timeout: float | None = None) -> None:
            """It has ended."""

    return OnceThread
