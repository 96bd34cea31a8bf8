"""How long EC2 takes over things: the one place where the sandbox's waiting is decided.

`quick` is for tests and rehearsals: every state can be seen, none is waited for. `aws` takes about
as long as EC2 itself, with its spread. What is known of that, and from where, stands in `AWS`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from sandbox.errors import SandboxError


@dataclass(frozen=True)
class Span:
    """How many seconds a state lasts: drawn from a triangle with its peak at `usual`."""

    shortest: float
    usual: float
    longest: float


QUICK: Mapping[str, Span] = {
    "pending": Span(0.2, 0.2, 0.2),
    "power-on": Span(0, 0, 0),
    "stopping": Span(0.2, 0.2, 0.2),
    "shutting-down": Span(0.2, 0.2, 0.2),
    "creating": Span(0.1, 0.1, 0.1),
    "attaching": Span(0.1, 0.1, 0.1),
    "detaching": Span(0.1, 0.1, 0.1),
    "snapshot": Span(0.4, 0.4, 0.4),
    "image": Span(0.5, 0.5, 0.5),
    "first-upgrade": Span(3, 3, 3),
}
"""Seconds from when a state begins: what the host needs of its own is part of them."""

AWS: Mapping[str, Span] = {
    # 4.9 s in one published run of ec2-boot-bench on c5.xlarge, the API call not counted:
    # http://www.daemonology.net/blog/2021-08-12-EC2-boot-time-benchmarking.html
    # The upper end is not cited: Hao et al. (arXiv 2107.03467) only say that it varies much.
    "pending": Span(5, 12, 35),
    # From `running` until the host's own boot begins: firmware, boot loader and kernel, which a
    # host of the sandbox does not have. In that run 17.2 s until the network answered, and 5.6 s
    # more until sshd did, which the host's real boot stands for here.
    "power-on": Span(8, 14, 25),
    # Not cited as a number. EC2 lets the system shut down, and forces it "within a few minutes":
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html
    "stopping": Span(10, 25, 60),
    # Not cited as a number of EC2's own. Public logs of `terraform destroy` commonly end an
    # instance after 30 or 40 s, in its steps of 10 s; some took ten minutes:
    # https://github.com/hashicorp/terraform/pull/8613
    "shutting-down": Span(15, 30, 70),
    # 14 s in a log of Terraform, whose own first look comes after 10 s:
    # https://github.com/turbot/steampipe-plugin-aws/pull/534
    "creating": Span(1, 4, 14),
    # "Most attach/detach operations on AWS finish within 1-4 seconds", and most within 5 s:
    # https://github.com/kubernetes/kubernetes/pull/56974
    "attaching": Span(1, 2.5, 5),
    "detaching": Span(1, 2.5, 5),
    # 4 s for a blank volume, in the log of Terraform above. With a system on it the time goes by
    # the blocks that were written, as AWS says without a number, so the rest is not cited:
    # https://repost.aws/knowledge-center/ebs-snapshot-ec2-ami-creation-slow
    "snapshot": Span(30, 75, 180),
    # After its snapshots: "available" comes when these are complete (same page). Not cited.
    "image": Span(2, 6, 20),
    # How long a host's own upgrade holds apt's locks after its first boot. Not cited as a number:
    # people wait for it by the minute, https://github.com/canonical/cloud-init/issues/2908
    "first-upgrade": Span(45, 60, 90),
}

KINDS = {"quick": QUICK, "aws": AWS}
DEFAULT = "quick"


class Latency:
    """Draws how long states last: the n-th stay in a state takes as long for every same seed."""

    def __init__(self, spans: Mapping[str, Span] = QUICK, seed: int = 0) -> None:
        self._spans = spans
        self._seed = seed
        self._draws = {state: Random(f"{seed} {state}") for state in spans}  # noqa: S311

    def seconds(self, state: str) -> float:
        """Return how long the next thing stays in this state at least."""
        span = self._spans[state]
        return self._draws[state].triangular(span.shortest, span.longest, span.usual)

    def scaled(self, factor: float) -> "Latency":
        """Return the same, slower or quicker by this factor."""
        scaled = {
            state: Span(span.shortest * factor, span.usual * factor, span.longest * factor)
            for state, span in self._spans.items()
        }
        return Latency(scaled, self._seed)


def latency_named(name: str, seed: int = 0) -> Latency:
    """Return the latency of this name. Raises SandboxError with the choices."""
    if name not in KINDS:
        raise SandboxError(f"There is no latency {name!r}: choose {' or '.join(KINDS)}")
    return Latency(KINDS[name], seed)


NO_LATENCY = Latency().scaled(0)
