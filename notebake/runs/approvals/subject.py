"""What a person is asked to approve: exactly what is shown, and the digest of that."""

import rfc8785
from pydantic import ConfigDict

from notebake.ledger.entry import hash_of
from notebake.recipe.recipe import Approvable
from notebake.record import Record

DIGITS = 32
"""So many hexadecimal digits of a SHA-256 name a subject."""


class Fact(Record):
    """A part of what would be done, as `base image` and `ami-…`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    value: str


class Paragraph(Record):
    """What a person reads before the answer: a title, and plain lines below it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    title: str
    lines: tuple[str, ...]


class Subject(Record):
    """What would be done, and what a person is shown of it."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    kind: Approvable
    recipe: str
    region: str
    run_id: str = ""
    """The run that asks; "" if none does, as for a removal."""
    title: str
    """What would be done, in one line: `bake an image of ocean in us-west-2`."""
    facts: tuple[Fact, ...]
    """What would be done, in full: whoever goes on makes them anew, and compares."""
    price: str
    """What it costs, in one line, as it was known when the question was asked."""
    if_unanswered: str
    """What happens if nobody answers."""
    image_ids: tuple[str, ...] = ()
    """The images that it is about, if they exist."""
    evidence: tuple[Paragraph, ...] = ()
    """What speaks for it or against it, as it was known when the question was asked."""

    @property
    def content(self) -> bytes:
        """The bytes to store, of which the digest is."""
        return rfc8785.dumps(self.model_dump(mode="json"))

    @property
    def digest(self) -> str:
        """The name of exactly this: the answer to it holds for nothing else."""
        return hash_of(self.content)[:DIGITS]

    def with_evidence_of(self, shown: "Subject") -> "Subject":
        """Return this with the evidence and the price that were shown: they are as of then."""
        return self.model_copy(update={"evidence": shown.evidence, "price": shown.price})


def differing_facts(shown: Subject, now: Subject) -> str:
    """Return what differs in two subjects of a kind, in words; "" if nothing does."""
    before = {fact.name: fact.value for fact in shown.facts}
    after = {fact.name: fact.value for fact in now.facts}
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    words = [f"{name} {before.get(name, 'none')} -> {after.get(name, 'none')}" for name in names]
    if not words and shown.digest != now.digest:
        return "what is shown"
    return ", ".join(words)
