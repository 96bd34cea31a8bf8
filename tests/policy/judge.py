"""AWS's policy evaluation by a program of other people's, in a process of its own.

with judging() as judge:
    verdicts = judge.ask(policies, requests)
"""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.clients.install import INSTALLED, LOCKS, is_installed

NAME = "policy-judge"
PROGRAM = Path(__file__).parent / "judge/judge.mjs"
DEPLOYMENTS = Path(__file__).parents[2] / "deployments"
ACCOUNT = "123456789012"
USER = f"arn:aws:iam::{ACCOUNT}:user/ada"
Policy = dict[str, Any]


@dataclass(frozen=True)
class Thing:
    """What a request is checked against; its ARN is made of AWS's own data."""

    kind: str
    id: str
    context: dict[str, Any] = field(default_factory=dict)
    account: str | None = None
    """Where it is not the caller's; "" for what belongs to AWS."""


Request = tuple[str, tuple[Thing, ...], dict[str, Any]]
"""An action, what it touches, and what its conditions may look at."""


@dataclass(frozen=True)
class IamRequest:
    """What IAM is asked for one call: one action on all that it touches."""

    action: str
    things: tuple[Thing, ...] = ()
    context: dict[str, Any] = field(default_factory=dict)
    region: str = "us-west-2"
    partition: str = "aws"
    principal: str = USER
    literally: str = ""
    """One ARN instead of the things, as IAM's own simulation is asked about it."""
    resource_policy: Policy | None = None
    """The policy of a bucket, if the request is for what is in it."""

    def as_request(self) -> dict[str, Any]:
        """Return it as the judge takes it."""
        context: dict[str, Any] = {"aws:RequestedRegion": self.region}
        if ":user/" in self.principal:
            context["aws:username"] = self.principal.rpartition("/")[2]
        if self.action.startswith("ec2:"):
            context["ec2:Region"] = self.region
        things = [
            {"kind": thing.kind, "id": thing.id, "context": thing.context}
            | ({} if thing.account is None else {"account": thing.account})
            for thing in self.things
        ]
        return {
            "principal": self.principal,
            "action": self.action,
            "partition": self.partition,
            "account": ACCOUNT,
            "region": self.region,
            "context": context | self.context,
            "things": things,
            "literally": self.literally,
            "resourcePolicy": self.resource_policy,
        }


@dataclass(frozen=True)
class Verdict:
    """What the evaluator says of one request."""

    allowed: bool
    denied: list[str]
    """The ARNs that it is not allowed on."""
    used: list[list[str]]
    """Policy, statement, action and ARN of what allowed it."""
    ignored: list[str]
    """Condition keys that AWS does not know for the action."""
    error: str


class Judge:
    """The evaluator's process; may be asked from several threads."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process
        self._lock = threading.Lock()

    def ask(self, policies: dict[str, Policy], requests: Sequence[IamRequest]) -> list[Verdict]:
        """Return a verdict on each request, as if all the policies were the caller's."""
        named = [{"name": name, "policy": policy} for name, policy in policies.items()]
        line = json.dumps(
            {"policies": named, "requests": [request.as_request() for request in requests]}
        )
        with self._lock:
            assert self._process.stdin
            assert self._process.stdout
            self._process.stdin.write(line + "\n")
            self._process.stdin.flush()
            answer = self._process.stdout.readline()
        assert answer, f"the evaluator ended with {self._process.wait()}"
        return [Verdict(**fields) for fields in json.loads(answer)]


def why_not() -> str:
    """Return why there is no evaluator here; "" where there is one."""
    if not shutil.which("node"):
        return "there is no node here"
    if not is_installed(NAME, LOCKS[NAME]):
        return "the policy evaluator is not installed: make policy-judge"
    return ""


@contextmanager
def judging() -> Iterator[Judge]:
    """Run the evaluator while the block runs."""
    place = INSTALLED / NAME
    # Its packages are found from where the program lies.
    program = Path(shutil.copy(PROGRAM, place / PROGRAM.name))
    with subprocess.Popen(
        ["node", str(program)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=place
    ) as process:
        try:
            yield Judge(process)
        finally:
            assert process.stdin
            process.stdin.close()


def read_policies(*names: str) -> dict[str, Policy]:
    """Return policies of deployments/ by their file's name; all of them, if none is named."""
    paths = [DEPLOYMENTS / f"{name}.json" for name in names] or sorted(
        DEPLOYMENTS.glob("policy*.json")
    )
    return {path.stem: json.loads(path.read_text(encoding="utf-8")) for path in paths}
