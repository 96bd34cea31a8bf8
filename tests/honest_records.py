"""Records as honest people and machines leave them: killed, resumed elsewhere, erased, contended.

Whatever happens here, nobody has tampered with anything.
"""

import json
import threading
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

from notebake import clock
from notebake.errors import RunLockedError
from notebake.ledger import kinds
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.checkpoint import Anchor, parse_note
from notebake.ledger.closing import close_if_finished
from notebake.runs.checkpoints import make_checkpoint
from notebake.runs.erasure import erase
from notebake.runs.lock import hold_run
from notebake.runs.open_store import open_store
from notebake.runs.people import Person, pseudonym_of, read_people
from notebake.runs.registry import new_run
from notebake.runs.run import Run
from notebake.runs.run_record import record_place, recorded_chains
from notebake.store.interface import RunStore
from tests import recorded_runs as runs
from tests.recorded_run import NOON, At

DAY = 86_400.0
CONTENDERS = 8
PEOPLE = tuple(Person(login=login, host_name="laptop") for login in ("ada", "bo", "cy"))
ROLE = Person(arn="arn:aws:sts::123456789012:assumed-role/baker/ada@example.org")
TEXTS = (
    "no network",
    "/home/ada/x: permission denied",
    "token: abcdefgh1234/home/ada",
    "AKIA" + "Q3EGRIFFSEXAMPLE" + "/root",
    "naïve \N{SNOWMAN} \N{GRINNING FACE} \x1b[31m",
    "-0.0 1e22 ' \" \\ \n\t",
    "",
)


class KilledError(BaseException):
    """The process was killed: no code of it goes on."""


class MortalStore:
    """A store whose process is killed at one of its writes, before or after it takes effect."""

    def __init__(self, store: RunStore, writes: int, *, is_after: bool) -> None:
        self._store, self._left, self._is_after = store, writes, is_after

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    def create(self, key: str, content: bytes) -> bool:
        return self._write(lambda: self._store.create(key, content))

    def replace(self, key: str, content: bytes, *, version: str) -> bool:
        return self._write(lambda: self._store.replace(key, content, version=version))

    def _write(self, write: Callable[[], bool]) -> bool:
        self._left -= 1
        if self._left < 0:
            raise KilledError
        if self._left or not self._is_after:
            return write()
        write()
        raise KilledError


@dataclass
class HonestRecord:
    """A record in the making."""

    location: str
    random: Random
    done: list[str] = field(default_factory=list)
    """What was done, to be told where a verification is wrong."""
    killed: set[str] = field(default_factory=set)
    """Runs of which a process was killed."""
    anchors: list[Anchor] = field(default_factory=list)
    """What somebody kept outside of the record."""

    def __post_init__(self) -> None:
        count = self.random.choice((1, 1, 2, 3))
        self.runs = [self._begin(f"ocean-{number}") for number in range(count)]

    def _begin(self, run_id: str) -> Run:
        return new_run(runs.RECIPE, "ocean.yaml", open_store(self.location), run_id=run_id)

    @property
    def place(self) -> RecordPlace:
        return record_place(self.location)

    def mortal_place(self, most: int) -> RecordPlace:
        """Return the record as a process sees it that is killed at one of its next writes."""
        writes = self.random.randrange(1, most)
        store = MortalStore(self.place.store, writes, is_after=self.random.random() < 0.5)
        return RecordPlace(store, self.place.prefix)

    def live(self) -> None:
        """Let something happen to the record."""
        happenings = (
            *(self.execute,) * 5,
            *(self.execute_killed,) * 3,
            *(self.seal, self.erase_somebody, self.erase_killed, self.add_people),
            self.go_on_late,
        )
        happening = self.random.choice(happenings)
        self.done.append(happening.__name__)
        with self.on_a_machine():
            happening()

    @contextmanager
    def on_a_machine(self) -> Iterator[None]:
        """Use the clock of some machine, up to a day wrong."""
        wrong = self.random.choice((0, 0, self.random.uniform(-DAY, DAY), DAY, -DAY))
        with clock.replaced(At(NOON + len(self.done) * 60 + wrong)):
            yield

    def execute(self) -> None:
        """Execute a run to its end, which seals it or not."""
        run = self.random.choice(self.runs).id
        self.write_execution(self.new_chain(self.place, run), self.events())

    def execute_killed(self) -> None:
        """Execute a run in a process that is killed at one of its writes."""
        run = self.random.choice(self.runs).id
        with suppress(KilledError):
            self.write_execution(self.new_chain(self.mortal_place(14), run), self.events())
            return
        self.killed.add(run)

    def erase_killed(self) -> None:
        """Erase a person in a process that is killed at one of its writes."""
        with suppress(KilledError):
            self.erase_somebody(self.mortal_place(3))

    def go_on_late(self) -> None:
        """Let an execution that has lost the lock of its run write on, after another one's end."""
        run = self.random.choice(self.runs).id
        late, events = self.new_chain(self.place, run), self.events()
        half = self.random.randrange(1, len(events))
        self.write(late, events[:half])
        self.write_execution(self.new_chain(self.place, run), self.events())
        self.write_execution(late, events[half:])

    def seal(self) -> None:
        """Sign a checkpoint, if there is anything."""
        if not recorded_chains(self.place):
            return
        self.anchors.append(parse_note(make_checkpoint(self.location).note).anchor)

    def erase_somebody(self, place: RecordPlace | None = None) -> None:
        """Erase a person, if there is any."""
        people = read_people(self.place)
        if people:
            gone = self.random.choice(sorted(people))
            erase({gone: people[gone]}, place or self.place, self.random.choice(("", "asked")))

    def add_people(self) -> None:
        """Let the file of people change."""
        for person in self.random.sample(PEOPLE, 2):
            pseudonym_of(person, self.place)

    def contend(self) -> int:
        """Let eight processes try to execute a run at the same time; return how many did."""
        run, events = self.random.choice(self.runs), self.events()
        held: list[int] = []
        failures: list[BaseException] = []
        start = threading.Barrier(CONTENDERS)

        def execute(number: int) -> None:
            try:
                start.wait()
                with hold_run(run):
                    held.append(number)
                    chain = Chain(self.place, run.id, Writer("p-x", f"contender-{number}"))
                    self.write_execution(chain, events)
            except RunLockedError:
                return
            except BaseException as error:  # noqa: BLE001 - raised below
                failures.append(error)

        self.done.append("contend")
        in_threads(execute)
        if failures:
            raise failures[0]
        return len(held)

    def new_chain(self, place: RecordPlace, run: str) -> Chain:
        """Return the chain of a new execution by somebody, who is added to the people."""
        who = pseudonym_of(self.random.choice(PEOPLE), place)
        return Chain(place, run, Writer(who, str(uuid.UUID(int=self.random.getrandbits(128)))))

    def events(self) -> list[runs.Happened]:
        """Return what happens in an execution, from its beginning to its end."""
        kind, body = runs.executing()
        events = [runs.began(), (kind, body | {"identity": pseudonym_of(ROLE, self.place)})]
        for number in range(self.random.randrange(1, 5)):
            events += self.work(number)
        if self.random.random() < 0.6:
            events.append(runs.outcome(self.random.choice((runs.IMAGE, ""))))
        error = self.random.choice(("", "NotebakeError"))
        return [*events, runs.ended(error, self.random.choice(TEXTS))]

    def work(self, number: int) -> list[runs.Happened]:
        """Return a part of an execution: a step, calls with or without an answer, a file."""
        random = self.random
        sent, answered = runs.call(f"Call{number}", f"i-{random.getrandbits(32):08x}", name="b-1")
        sent[1]["call"] = answered[1]["call"] = f"c-{random.getrandbits(64):x}"
        lost = (kinds.UNANSWERED, {"call": sent[1]["call"], "error": "ReadTimeoutError"})
        seconds = random.choice((0.1, 1e-7, 12.25, 1e22, 3.0))
        return random.choice(
            (
                [sent, answered],
                [sent, lost],
                [runs.step("push", "failed", random.choice(TEXTS))],
                [runs.step("push", "done", random.choice(TEXTS), seconds)],
                [runs.step("push", "undone")],
                [runs.stored("locks/x.txt", "numpy")],
            )
        )

    def write_execution(self, chain: Chain, events: Iterable[runs.Happened]) -> None:
        """Write an execution to its end, and seal the run if that has finished it."""
        self.write(chain, events)
        close_if_finished(chain)

    def write(self, chain: Chain, events: Iterable[runs.Happened]) -> None:
        for kind, body in events:
            chain.append(kind, body)


def in_threads(work: Callable[[int], None]) -> None:
    """Do a piece of work in eight threads at once."""
    threads = [threading.Thread(target=work, args=(number,)) for number in range(CONTENDERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def gaps_in(entries: list[bytes], seals: Iterable[str]) -> set[str]:
    """Return which calls and executions of a sealed run have no end, and whether a copy is missing.

    Read from the stored bytes alone, as somebody does who knows nothing of our verification.
    """
    read = [json.loads(entry) for entry in entries]
    if not read or read[-1]["kind"] != "sealed":
        return set()
    answers = {each["body"]["call"] for each in read if each["kind"] in ("answered", "unanswered")}
    ends = {each["execution"] for each in read if each["kind"] == "ended"}
    found = {
        f"entry {each['sequence']}"
        for each in read
        if (each["kind"] == "sent" and each["body"]["call"] not in answers)
        or (each["kind"] == "executing" and each["execution"] not in ends)
    }
    copy = f"{read[-1]['sequence']:08}.json"
    return found | (set() if copy in {Path(key).name for key in seals} else {"no copy"})
