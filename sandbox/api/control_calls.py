"""The sandbox's own HTTP calls below /notebake-sandbox/, besides those of AWS's API.

GET health, calls, clock; POST clock {"advance_seconds": n}; GET, POST, DELETE faults[?name=NAME].
GET changes: the changes of state of the account's resources, the oldest first, with their times.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import parse_qs

from sandbox.ec2.state.cloud import Cloud
from sandbox.errors import SandboxError
from sandbox.faults.fault import read_faults
from sandbox.injection.injector import FaultInjector
from sandbox.messages.call import CallLog
from sandbox.messages.reply import Reply, json_reply

Answer = Callable[[], object]


class ControlCalls:
    """Answers the calls to the sandbox itself."""

    def __init__(
        self, cloud: Cloud, calls: CallLog, injector: FaultInjector, catch_up: Callable[[], None]
    ) -> None:
        self._cloud = cloud
        self._calls = calls
        self._injector = injector
        self._catch_up = catch_up

    def answer(self, method: str, name: str, query: str, body: bytes) -> Reply:
        """Answer a call in JSON, with {"error": ...} if it fails."""
        answers: dict[str, dict[str, Answer]] = {
            "health": {"GET": self._health},
            "calls": {"GET": lambda: [asdict(call) for call in self._calls.records()]},
            "changes": {
                "GET": lambda: [asdict(change) for change in self._cloud.state_log.records()]
            },
            "clock": {"GET": self._time, "POST": lambda: self._advance(_read_json(body))},
            "faults": {
                "GET": self._cloud.faults.describe,
                "POST": lambda: self._add_faults(_read_json(body)),
                "DELETE": lambda: self._remove_faults(parse_qs(query).get("name", [None])[0]),
            },
        }
        if name not in answers:
            return _reply(404, {"known": sorted(answers)})
        if method not in answers[name]:
            return _reply(405, {"error": f"{name} takes {', '.join(answers[name])}"})
        try:
            return _reply(200, answers[name][method]())
        except SandboxError as error:
            return _reply(400, {"error": str(error)})

    def _health(self) -> object:
        states = [instance.state for _, instance in self._cloud.instances()]
        counted = {state: states.count(state) for state in sorted(set(states))}
        return {"status": "ok", "account": self._cloud.account_id, "instances": counted}

    def _time(self) -> object:
        return {"now": self._cloud.clock.now().isoformat()}

    def _advance(self, request: object) -> object:
        seconds = request.get("advance_seconds") if isinstance(request, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
            raise SandboxError(
                f"advance_seconds: it is {seconds!r}, and must be a number, 0 or more"
            )
        self._cloud.clock.advance(seconds)
        self._catch_up()
        return self._time()

    def _add_faults(self, descriptions: object) -> object:
        self._injector.add(*read_faults(descriptions))
        return self._cloud.faults.describe()

    def _remove_faults(self, name: str | None) -> object:
        removed = self._cloud.faults.remove(name)
        if name and not removed:
            raise SandboxError(f"There is no fault {name}")
        return {"removed": removed}


def _read_json(body: bytes) -> object:
    try:
        return json.loads(body)
    except ValueError as error:
        raise SandboxError(f"The body is not JSON: {error}") from error


def _reply(status: int, content: object) -> Reply:
    return json_reply(content, status, kind="application/json")
