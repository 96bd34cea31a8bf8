"""API calls: read from HTTP requests, and logged in order, in memory and in a file."""

import hashlib
import json
import re
import threading
import time
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from urllib.parse import parse_qsl

_CREDENTIAL = re.compile(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/aws4_request")
_ACCOUNT = re.compile(r"Credential=(\d{12})/")
_QUERY_ACTION = re.compile(r"(?:^|&)Action=")
_ERROR_CODE = re.compile(rb"<Code>([^<]+)</Code>")
_S3 = {
    ("PUT", "Bucket"): "CreateBucket",
    ("GET", "Bucket"): "ListObjectsV2",
    ("HEAD", "Bucket"): "HeadBucket",
    ("DELETE", "Bucket"): "DeleteBucket",
    ("POST", "Bucket"): "DeleteObjects",
    ("PUT", "Object"): "PutObject",
    ("GET", "Object"): "GetObject",
    ("HEAD", "Object"): "HeadObject",
    ("DELETE", "Object"): "DeleteObject",
}
_S3_PARTS = {
    ("GET", "versions"): "ListObjectVersions",
    ("GET", "versioning"): "GetBucketVersioning",
    ("PUT", "versioning"): "PutBucketVersioning",
}
"""What is asked of a part of a bucket, which the query names."""
_SCHEDULER = {
    ("POST", "schedule"): "CreateSchedule",
    ("PUT", "schedule"): "UpdateSchedule",
    ("GET", "schedule"): "GetSchedule",
    ("DELETE", "schedule"): "DeleteSchedule",
    ("GET", "schedules"): "ListSchedules",
}
_ERROR_TYPE = re.compile(rb'"__type"\s*:\s*"(?:[^"#]*#)?([^"]+)"')


@dataclass(frozen=True)
class Call:
    """A request, before it is answered."""

    service: str
    region: str
    action: str
    parameters: dict[str, str] = field(repr=False)
    invocation: str = ""
    """The id that the client has given to the call and to its repetitions, if any."""
    account_id: str = ""
    """The account whose id is the access key; "" with any other key."""

    @property
    def is_dry_run(self) -> bool:
        """Whether the client only asks for the permission."""
        return self.parameters.get("DryRun") == "true"

    @property
    def operation(self) -> str:
        """The action's name in the service's documentation, for REST services as well."""
        return rest_operation(self.service, self.action) or self.action

    @property
    def parameters_digest(self) -> str:
        """A digest that two requests share only if their parameters are the same."""
        text = json.dumps(self.parameters, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class CallRecord:
    """An answered request. `code` is OK or the error's code."""

    number: int
    time: float
    service: str
    region: str
    action: str
    parameters_digest: str
    status: int
    code: str
    invocation: str = ""
    request: str = ""
    """The request id of the reply, as CloudTrail has it."""
    is_dry_run: bool = False


def read_call(
    method: str, path: str, headers: dict[str, str], body: bytes, query: str = ""
) -> Call:
    """Return the call that a request makes: its service, region, action and parameters."""
    call = _read_call(method, path, headers, body, query)
    found = _ACCOUNT.search(headers.get("authorization", ""))
    return replace(
        call,
        invocation=headers.get("amz-sdk-invocation-id", ""),
        account_id=found[1] if found else "",
    )


def _read_call(method: str, path: str, headers: dict[str, str], body: bytes, query: str) -> Call:
    found = _CREDENTIAL.search(headers.get("authorization", ""))
    region, service = found.groups() if found else ("", "unsigned")
    target = headers.get("x-amz-target", "")
    if target:
        return Call(service, region, target.rpartition(".")[2], {"body": body.decode()})
    is_form = "x-www-form-urlencoded" in headers.get("content-type", "")
    if is_form or (method == "GET" and _QUERY_ACTION.search(query)):
        text = body.decode() if is_form and body else query
        parameters = dict(parse_qsl(text, keep_blank_values=True))
        action = parameters.pop("Action", "")
        parameters.pop("Version", None)
        return Call(service, region, action, parameters)
    parameters = {"body": body.decode()} if "json" in headers.get("content-type", "") else {}
    if service == "scheduler" and not parameters and body:
        parameters = {"body": body.decode()}
    action = f"{method} {path}{_part_of(service, method, query)}"
    return Call(service, region, action, parameters | _read_place(service, path))


def rest_operation(service: str, action: str) -> str | None:
    """Return the operation of S3 or Scheduler that a method and a path stand for."""
    method, _, path = action.partition(" ")
    path, _, part = path.partition("?")
    depth = path.strip("/").partition("/")
    if part:
        return _S3_PARTS.get((method, part))
    if service == "s3" and path.startswith("/"):
        return _S3.get((method, "Object" if depth[2] else "Bucket"))
    if service == "scheduler" and depth[0] == "schedules":
        return _SCHEDULER.get((method, "schedule" if depth[2] else "schedules"))
    return None


def _part_of(service: str, method: str, query: str) -> str:
    """Return the part of a bucket that a query names, after a question mark; "" for none."""
    part = query.partition("&")[0].removesuffix("=")
    return f"?{part}" if service == "s3" and (method, part) in _S3_PARTS else ""


def _read_place(service: str, path: str) -> dict[str, str]:
    if service != "s3":
        return {}
    bucket, _, key = path.lstrip("/").partition("/")
    return {"bucket": bucket, "key": key}


def read_code(status: int, body: bytes) -> str:
    """Return the error code of a reply, or OK."""
    if status < 400:
        return "OK"
    found = _ERROR_CODE.search(body) or _ERROR_TYPE.search(body)
    return found[1].decode() if found else str(status)


class CallLog:
    """Records every call, in the order of the replies."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._records: list[CallRecord] = []
        self._lock = threading.Lock()

    def add(self, call: Call, status: int, code: str, request: str = "") -> None:
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
                invocation=call.invocation,
                request=request,
                is_dry_run=call.is_dry_run,
            )
            self._records.append(record)
            if self._path:
                with self._path.open("a") as stream:
                    stream.write(json.dumps(asdict(record)) + "\n")

    def records(self) -> list[CallRecord]:
        with self._lock:
            return list(self._records)
