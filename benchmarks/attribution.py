"""Where wall-clock seconds went: spans of many threads, each second given to one of them."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

SERVER = "server start"
KINDS = (
    "remote work",
    "host boots",
    "EC2 states",
    "connecting",
    "AWS calls",
    "run store",
    "imports",
    "own code",
    SERVER,
    "Prefect",
)
"""What a second counts as, where several go on at once: the first of these."""
REST = "rest"
BEFORE = "(outside the steps)"


@dataclass(frozen=True)
class Span:
    """What one thread did for a while; `depth` counts the spans around it in that thread."""

    thread: int
    depth: int
    kind: str
    name: str
    step: str
    began: float
    ended: float


@dataclass(frozen=True)
class Piece:
    """Seconds that are given to one span, or to none."""

    span: Span | None
    seconds: float

    @property
    def kind(self) -> str:
        return self.span.kind if self.span else REST

    @property
    def step(self) -> str:
        return (self.span.step if self.span else "") or BEFORE


def attribute(spans: Iterable[Span], began: float, ended: float) -> Iterator[Piece]:
    """Give all seconds between two moments, each to one span or to none.

    In a thread the innermost span counts; among the threads the kind that stands first in KINDS.
    """
    edges: list[tuple[float, Span | None, bool]] = [(began, None, False), (ended, None, True)]
    for recorded in spans:
        edges += [(recorded.began, recorded, False), (recorded.ended, recorded, True)]
    edges.sort(key=lambda edge: edge[0])
    open_spans: set[Span] = set()
    for (at, span, is_end), (following, _, _) in pairwise(edges):
        if span is not None:
            (open_spans.discard if is_end else open_spans.add)(span)
        seconds = min(following, ended) - max(at, began)
        if seconds > 0:
            yield Piece(chosen(open_spans), seconds)


def chosen(open_spans: Iterable[Span]) -> Span | None:
    """Return the span to which a moment belongs."""
    innermost: dict[int, Span] = {}
    for span in open_spans:
        inner = innermost.get(span.thread)
        if inner is None or span.depth > inner.depth:
            innermost[span.thread] = span
    order = {kind: number for number, kind in enumerate(KINDS)}
    return min(innermost.values(), key=lambda candidate: order[candidate.kind], default=None)
