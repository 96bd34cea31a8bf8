"""A world in which something is wrong, or will not be asked, as preflight meets it."""

import json
import re
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

from notebake.preflight.checks import CHECKS, run_checks
from notebake.preflight.finding import CheckResult, carry_out_check, with_verdict
from notebake.runs.run import Run
from sandbox.api.application import Reply
from sandbox.messages.call import Call


@dataclass
class RewrittenAnswer:
    """Lets the cloud answer, and then changes something in the answer."""

    action: str
    pattern: str
    instead: str
    fired: int = 0

    def before(self, call: Call) -> Reply | None:
        del call
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        if call.action != self.action:
            return reply
        text, count = re.subn(self.pattern, self.instead, reply.body.decode())
        self.fired += count
        return Reply(reply.status, without_length(reply.headers), text.encode())


def blocked_public_access() -> RewrittenAnswer:
    """An account that blocks what comes in by the internet gateways of its VPCs."""
    return RewrittenAnswer(
        "DescribeVpcBlockPublicAccessOptions",
        "<internetGatewayBlockMode>off<",
        "<internetGatewayBlockMode>block-ingress<",
    )


def excluded_from_block(resource: str, mode: str = "allow-bidirectional") -> RewrittenAnswer:
    """What that account has excluded: `vpc/vpc-…` or `subnet/subnet-…`."""
    item = (
        f"<item><resourceArn>arn:aws:ec2:us-west-2:123456789012:{resource}</resourceArn>"
        f"<state>create-complete</state>"
        f"<internetGatewayExclusionMode>{mode}</internetGatewayExclusionMode></item>"
    )
    name = "vpcBlockPublicAccessExclusionSet"
    return RewrittenAnswer(
        "DescribeVpcBlockPublicAccessExclusions", rf"<{name}\s*/>", f"<{name}>{item}</{name}>"
    )


def without_length(headers: list[tuple[str, str]]) -> list[tuple[str, str]]:
    return [header for header in headers if header[0].lower() != "content-length"]


@dataclass
class ReplacedAnswer:
    """Answers a call instead of the cloud."""

    action: str
    answer: Callable[[Call], str]
    status: int = 200
    kind: str = "text/xml"
    fired: int = 0

    def before(self, call: Call) -> Reply | None:
        if call.action != self.action:
            return None
        self.fired += 1
        return Reply(self.status, [("Content-Type", self.kind)], self.answer(call).encode())

    def after(self, call: Call, reply: Reply) -> Reply:
        del call
        return reply


def denies(action: str) -> ReplacedAnswer:
    """Refuse a question of one of the services that speak JSON."""
    text = json.dumps({"__type": "AccessDeniedException", "message": "not for you"})
    return ReplacedAnswer(action, lambda _: text, 400, "application/x-amz-json-1.1")


def s3_refusal(code: str) -> str:
    """Return the answer with which S3 refuses a call."""
    return f"<Error><Code>{code}</Code><Message>not for you</Message></Error>"


@dataclass
class Simulates:
    """IAM for a user whose policies allow all but some actions; others it cannot decide."""

    denied: tuple[str, ...] = ()
    undecided: tuple[str, ...] = ()
    requests: list[dict[str, str]] = field(default_factory=list)

    def before(self, call: Call) -> Reply | None:
        if call.action != "SimulatePrincipalPolicy":
            return None
        self.requests.append(call.parameters)
        names = [value for key, value in call.parameters.items() if key.startswith("ActionNames.")]
        text = "".join(self._decision(name) for name in names)
        body = (
            "<SimulatePrincipalPolicyResponse><SimulatePrincipalPolicyResult><IsTruncated>false"
            f"</IsTruncated><EvaluationResults>{text}</EvaluationResults>"
            "</SimulatePrincipalPolicyResult></SimulatePrincipalPolicyResponse>"
        )
        return Reply(200, [("Content-Type", "text/xml")], body.encode())

    def after(self, call: Call, reply: Reply) -> Reply:
        if call.action != "GetCallerIdentity":
            return reply
        text = reply.body.replace(b":sts::123456789012:user/moto", b":iam::123456789012:user/ada")
        return Reply(reply.status, without_length(reply.headers), text)

    def _decision(self, name: str) -> str:
        refused = name in self.denied + self.undecided
        missing = "<member>aws:MultiFactorAuthPresent</member>" * (name in self.undecided)
        return (
            f"<member><EvalActionName>{name}</EvalActionName><EvalDecision>"
            f"{'implicitDeny' if refused else 'allowed'}</EvalDecision>"
            f"<MissingContextValues>{missing}</MissingContextValues></member>"
        )


def sentences(run: Run, verdict: CheckResult, *of: str) -> str:
    """Return all that preflight says of a kind as one text; of some of its modules, if named."""
    chosen = [check for check in CHECKS if check.run.__module__.rpartition(".")[2] in of]
    if of:
        found = [each for check in chosen for each in carry_out_check(check, run)]
    else:
        found = run_checks(run)
    return "\n".join(str(finding) for finding in with_verdict(found, verdict))


@contextmanager
def http_server(answers: dict[str, dict[str, int]]) -> Iterator[str]:
    """Serve paths on the loopback address: method -> status; 302 leads to /there."""

    class Handler(BaseHTTPRequestHandler):
        def answer(self) -> None:
            status = answers.get(self.path, {}).get(self.command, 404)
            if self.command == "GET" and status == 206:
                assert self.headers["Range"] == "bytes=0-0"
            self.send_response(status)
            if status == 302:
                self.send_header("Location", "/there")
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_GET = do_HEAD = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Log nothing."""

    with serving(Handler) as url:
        yield url


@contextmanager
def serving(
    handler: Callable[..., BaseHTTPRequestHandler], *, certificate: tuple[Path, Path] | None = None
) -> Iterator[str]:
    """Serve by a handler on the loopback address; give the server's address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if certificate:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(*certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    scheme = "https" if certificate else "http"
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield f"{scheme}://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
