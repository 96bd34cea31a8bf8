"""How long EC2's states last: nothing else decides how long the sandbox takes.

`quick` is for tests and rehearsals: every state can be observed, and is over soon. `aws` takes
about as long as EC2 itself, with its spread; the sources of the numbers are in `AWS`. With `aws`,
requests are limited as well: see `request_buckets`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from sandbox.errors import SandboxError


@dataclass(frozen=True)
class Span:
    """The seconds that a state lasts: a triangular distribution with its peak at `usual`."""

    shortest: float
    usual: float
    longest: float


QUICK: Mapping[str, Span] = {
    "pending": Span(0.2, 0.2, 0.2),
    "power-on": Span(0, 0, 0),
    "stopping": Span(0.2, 0.2, 0.2),
    "shutting-down": Span(0.2, 0.2, 0.2),
    "shutting-down-at-once": Span(0.2, 0.2, 0.2),
    "creating": Span(0.1, 0.1, 0.1),
    "attaching": Span(0.1, 0.1, 0.1),
    "detaching": Span(0.1, 0.1, 0.1),
    "snapshot": Span(0.4, 0.4, 0.4),
    "snapshot-gib": Span(0, 0, 0),
    "image": Span(0.5, 0.5, 0.5),
    "first-upgrade": Span(3, 3, 3),
    "parameter": Span(0.3, 0.3, 0.3),
}
"""Seconds from the beginning of a state; they include the time that the host itself needs.

`shutting-down-at-once` is the state `shutting-down` of an instance whose system is not shut down.
`snapshot-gib` is no state: by so many seconds a snapshot is longer for each GiB that it copies."""

AWS: Mapping[str, Span] = {
    # 4.9 s in a published run of ec2-boot-bench on c5.xlarge, without the API call:
    # http://www.daemonology.net/blog/2021-08-12-EC2-boot-time-benchmarking.html
    # The maximum is our estimate: Hao et al. (arXiv 2107.03467) report only that it varies much.
    "pending": Span(5, 12, 35),
    # From `running` until the host's own boot begins: firmware, boot loader and kernel, which a
    # host of the sandbox lacks. In that run the network answered after 17.2 s, and sshd 5.6 s
    # later; the second part is the time of the host's real boot.
    "power-on": Span(8, 14, 25),
    # Our estimate. EC2 lets the system shut down, and forces it "within a few minutes":
    # https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/how-ec2-instance-stop-start-works.html
    "stopping": Span(10, 25, 60),
    # Our estimate. In public logs of `terraform destroy`, which looks every 10 s, an instance
    # commonly ends after 30 or 40 s; some took ten minutes:
    # https://github.com/hashicorp/terraform/pull/8613
    "shutting-down": Span(15, 30, 70),
    # Without the shutdown of the system, which is skipped on request ("faster state transitions",
    # https://awsapichanges.com/archive/changes/b3ec87-ec2.html) or is over, as of a stopped one.
    # AWS gives no number. Our estimate: EC2 takes about as long for its own part as at a launch.
    "shutting-down-at-once": Span(5, 15, 40),
    # 14 s in a log of Terraform, which first looks after 10 s:
    # https://github.com/turbot/steampipe-plugin-aws/pull/534
    "creating": Span(1, 4, 14),
    # "Most attach/detach operations on AWS finish within 1-4 seconds", and most within 5 s:
    # https://github.com/kubernetes/kubernetes/pull/56974
    "attaching": Span(1, 2.5, 5),
    "detaching": Span(1, 2.5, 5),
    # Whatever is copied: 4 s for a blank volume, in the log of Terraform above. The rest is our
    # estimate.
    "snapshot": Span(4, 15, 40),
    # Besides, for each GiB that is copied: see `storage/snapshot_time.py`. AWS gives no number.
    # PingCAP measured 16 minutes for 50 GB of a gp3 volume of 400 MiB/s, which is 19 s a GiB:
    # https://github.com/pingcap/docs-tidb-operator/pull/2108
    # The spread is our estimate; faster volumes can be several times as quick:
    # https://github.com/supabase/postgres/pull/2457
    "snapshot-gib": Span(10, 19, 40),
    # After its snapshots: "available" follows when they are complete (same page). Our estimate.
    "image": Span(2, 6, 20),
    # How long a host's own upgrade holds apt's locks after its first boot. Our estimate: people
    # report minutes, https://github.com/canonical/cloud-init/issues/2908
    "first-upgrade": Span(45, 60, 90),
    # From the answer to PutParameter until the image is checked: AWS gives no number, so this is
    # our estimate.
    "parameter": Span(1, 3, 15),
}

LATENCIES = {"quick": QUICK, "aws": AWS}
DEFAULT_LATENCY = "quick"


class Latency:
    """Draws how long states last. With the same seed, the n-th stay in a state is equally long."""

    def __init__(
        self,
        spans: Mapping[str, Span] = QUICK,
        seed: int = 0,
        *,
        limits_requests: bool = False,
    ) -> None:
        self.limits_requests = limits_requests
        """Whether EC2 takes only so many requests a second, as AWS's does."""
        self._spans = spans
        self._seed = seed
        self._draws = {state: Random(f"{seed} {state}") for state in spans}  # noqa: S311

    def seconds(self, state: str) -> float:
        """Return how long the next resource stays in this state at least."""
        span = self._spans[state]
        return self._draws[state].triangular(span.shortest, span.longest, span.usual)

    @property
    def counts_bytes(self) -> bool:
        """Whether a snapshot takes the longer the more it copies."""
        return "snapshot-gib" in self._spans and self._spans["snapshot-gib"].longest > 0

    def scaled(self, factor: float) -> "Latency":
        """Return a latency that is slower or quicker by this factor."""
        scaled = {
            state: Span(span.shortest * factor, span.usual * factor, span.longest * factor)
            for state, span in self._spans.items()
        }
        return Latency(scaled, self._seed, limits_requests=self.limits_requests)


def latency_named(name: str, seed: int = 0) -> Latency:
    """Return the latency of this name. Raises SandboxError, which lists the names."""
    if name not in LATENCIES:
        raise SandboxError(f"There is no latency {name!r}: choose {' or '.join(LATENCIES)}")
    return Latency(LATENCIES[name], seed, limits_requests=name == "aws")
