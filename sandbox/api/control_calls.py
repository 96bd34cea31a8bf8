"""The sandbox's own HTTP calls below /notebake-sandbox/: what it is asked beside AWS's API.

GET health, calls, clock; POST clock {"advance_seconds": n}; GET, POST, DELETE faults[?name=NAME].
GET changes: the changes of state of what the account owns, the oldest first, each with its time.
"""

import json
from collections.abc import Callable
from dataclasses import asdict
from urllib.parse import parse_qs

from sandbox.ec2.state.cloud import Cloud
from sandbox.errors import SandboxError
from sandbox.faults.fault import read_faults
from sandbox.injection.injector import FaultGate
from sandbox.messages.call import CallLog
from sandbox.messages.reply import Reply

Answer = Callable[[], object]


class OwnCalls:
    """Answers what is asked of the sandbox itself."""

    def __init__(
        self, cloud: Cloud, calls: CallLog, gate: FaultGate, catch_up: Callable[[], None]
    ) -> None:
        self._cloud = cloud
        self._calls = calls
        self._gate = gate
        self._catch_up = catch_up

    def answer(self, method: str, name: str, query: str, body: bytes) -> Reply:
        """Answer one call: JSON, with {"error": ...} where it cannot be done."""
        answers: dict[str, dict[str, Answer]] = {
            "health": {"GET": self._health},
            "calls": {"GET": lambda: [asdict(one) for one in self._calls.records()]},
            "changes": {"GET": lambda: [asdict(one) for one in self._cloud.changes.records()]},
            "clock": {"GET": self._tell_time, "POST": lambda: self._advance(_read_json(body))},
            "faults": {
                "GET": self._cloud.faults.describe,
                "POST": lambda: self._put_faults(_read_json(body)),
                "DELETE": lambda: self._remove_faults(parse_qs(query).get("name", [None])[0]),
            },
        }
        if name not in answers:
            return _write(404, {"known": sorted(answers)})
        if method not in answers[name]:
            return _write(405, {"error": f"{name} takes {', '.join(answers[name])}"})
        try:
            return _write(200, answers[name][method]())
        except SandboxError as error:
            return _write(400, {"error": str(error)})

    def _health(self) -> object:
        states = [instance.state for _, instance in self._cloud.instances()]
        counted = {state: states.count(state) for state in sorted(set(states))}
        return {"status": "ok", "account": self._cloud.account_id, "instances": counted}

    def _tell_time(self) -> object:
        return {"now": self._cloud.clock.now().isoformat()}

    def _advance(self, asked: object) -> object:
        seconds = asked.get("advance_seconds") if isinstance(asked, dict) else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not seconds >= 0:
            raise SandboxError(f"advance_seconds: it is {seconds!r}, and must be a number above 0")
        self._cloud.clock.advance(seconds)
        self._catch_up()
        return self._tell_time()

    def _put_faults(self, described: object) -> object:
        self._gate.put(*read_faults(described))
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


def _write(status: int, content: object) -> Reply:
    return Reply(status, [("Content-Type", "application/json")], json.dumps(content).encode())
