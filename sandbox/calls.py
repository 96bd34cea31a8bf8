"""The ordered log of API calls, in memory and in a file, for tests and for people."""

import hashlib
import json
import re
import threading
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl

_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")
_ERROR_CODE = re.compile(rb"<Code>([^<]+)</Code>")
_ERROR_TYPE = re.compile(rb'"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"')


@dataclass(frozen=True)
class Call:
    """One request, as far as it can be told before it is answered."""

    service: str
    region: str
    action: str
    parameters: dict[str, str] = field(repr=False)

    @property
    def parameters_digest(self) -> str:
        """The same for two requests that ask for the same."""
        text = json.dumps(self.parameters, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CallRecord:
    """One answered request. `code` is OK or the error's code."""

    number: int
    time: float
    service: str
    region: str
    action: str
    parameters_digest: str
    status: int
    code: str


def read_call(method: str, path: str, headers: dict[str, str], body: bytes) -> Call:
    """Tell from a request which action of which service it calls."""
    found = _CREDENTIAL.search(headers.get("authorization", ""))
    region, service = found.groups() if found else ("", "unsigned")
    target = headers.get("x-amz-target", "")
    if target:
        return Call(service, region, target.rpartition(".")[2], {"body": body.decode()})
    if "x-www-form-urlencoded" in headers.get("content-type", ""):
        parameters = dict(parse_qsl(body.decode(), keep_blank_values=True))
        action = parameters.pop("Action", "")
        parameters.pop("Version", None)
        return Call(service, region, action, parameters)
    return Call(service, region, f"{method} {path}", {})


def read_code(status: int, body: bytes) -> str:
    """Return the error code of an answer, or OK."""
    if status < 400:
        return "OK"
    found = _ERROR_CODE.search(body) or _ERROR_TYPE.search(body)
    return found[1].decode() if found else str(status)


class CallLog:
    """Remembers every call in the order of the answers."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._records: list[CallRecord] = []
        self._lock = threading.Lock()

    def add(self, call: Call, status: int, code: str) -> None:
        """Remember one call, on disk too if there is a file."""
        with self._lock:
            record = CallRecord(
                number=len(self._records) + 1,
                time=time.time(),
                service=call.service,
                region=call.region,
                action=call.action,
                parameters_digest=call.parameters_digest,
                status=status,
                code=code,
            )
            self._records.append(record)
            if self._path:
                with self._path.open("a") as stream:
                    stream.write(json.dumps(asdict(record)) + "\n")

    def records(self) -> list[CallRecord]:
        """Return all calls so far."""
        with self._lock:
            return list(self._records)
