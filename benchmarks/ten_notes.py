"""What a process of builds does while it waits: its calls by who made them, and its waits."""

import functools
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

import botocore.handlers

from notebake import waiting

OURS = ("notebake.", "tasks.", "flows.")
EVERY_CALL = ("clients", "shared_describe", "kinds", "single_flight", "change_counter")
"""The modules of notebake/aws that every call goes through."""
IRRELEVANT = re.compile(rf"\.aws\.({'|'.join(EVERY_CALL)})\.|<")
UNDO = "flows.step_task.remove"
"""The function of a task that undoes a step."""
BEAT_SECONDS = 0.05
WAITED_FOR = re.compile(r"^(?P<id>\S+) to be (?P<state>[a-z]+)")


@dataclass(frozen=True)
class Called:
    """One call of AWS, and what of ours made it."""

    at: float
    action: str
    by: str
    """The function in notebake/aws, and the one outside of it that called it."""
    purpose: str


@dataclass(frozen=True)
class Waited:
    """A wait that ended well."""

    resource_id: str
    state: str
    began: float
    ended: float


class Notes:
    """Kept in memory until the builds have ended."""

    def __init__(self) -> None:
        self.calls: list[Called] = []
        self.waits: list[Waited] = []
        self.longest_pause_seconds = 0.0
        """How long at most nothing went on here: the machine was busy, or Python's lock held."""

    def put_in_place(self) -> None:
        """Listen to every call and every wait of this process from now on."""
        botocore.handlers.BUILTIN_HANDLERS.append(("before-call", self._note_call))
        wait_until = waiting.wait_until
        for module in our_modules():
            if getattr(module, "wait_until", None) is wait_until:
                module.wait_until = self._noting(wait_until)
        threading.Thread(target=self._beat, daemon=True).start()

    def as_json(self) -> dict[str, Any]:
        """Return all that was noted."""
        return {
            "calls": [asdict(call) for call in self.calls],
            "waits": [asdict(wait) for wait in self.waits],
            "longest_pause_seconds": self.longest_pause_seconds,
        }

    def _beat(self) -> None:
        while True:
            began = time.monotonic()
            time.sleep(BEAT_SECONDS)
            late_seconds = time.monotonic() - began - BEAT_SECONDS
            self.longest_pause_seconds = max(self.longest_pause_seconds, late_seconds)

    def _note_call(self, model: Any, **_: object) -> None:
        frames = list(our_frames(sys._getframe()))
        telling = [frame for frame in frames if not IRRELEVANT.search(frame)]
        inside = next((frame for frame in telling if ".aws." in frame), "")
        outside = next((frame for frame in telling if ".aws." not in frame), "")
        by = " < ".join(name for name in (short(inside), short(outside)) if name)
        self.calls.append(Called(time.time(), model.name, by, purpose_of(frames)))

    def _noting(self, wait_until: Callable[..., Any]) -> Callable[..., Any]:
        @functools.wraps(wait_until)
        def noting(probe: Callable[[], Any], **options: Any) -> Any:
            began = time.time()
            answer = wait_until(probe, **options)
            if named := WAITED_FOR.match(options["what"]):
                self.waits.append(Waited(named["id"], named["state"], began, time.time()))
            elif options["what"].startswith("the image of run"):
                self.waits.append(Waited(answer.id, "available", began, time.time()))
            return answer

        return noting


def our_modules() -> list[Any]:
    """Return the modules of the runbook that are imported."""
    return [module for name, module in sys.modules.items() if name.startswith(OURS)]


def our_frames(frame: FrameType | None) -> Iterator[str]:
    """Give the functions of ours that led to a frame, the innermost first."""
    while frame:
        name = str(frame.f_globals.get("__name__", ""))
        if name.startswith(OURS):
            yield f"{name}.{frame.f_code.co_name}"
        frame = frame.f_back


def purpose_of(frames: list[str]) -> str:
    """Return what a call was for: preflight, waiting, finding, making, or tearing down."""
    text = " ".join(frames)
    if "preflight" in text:
        return "preflight"
    if "notebake.waiting.wait_until" in text and "until_known" not in text:
        return "waiting"
    if "flows.tear_down" in text or UNDO in text:
        return "tear down"
    if "notebake.machines.renewal" in text:
        return "keep alive"
    return "finding" if re.search(r"tasks\.\w+\.find\b", text) else "making"


def short(function: str) -> str:
    """Return a function's name without its package."""
    return ".".join(function.split(".")[-2:])
