"""Shared readings of EC2: never older than a change of the caller's own, and never partial."""

import contextvars
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.exceptions import ConnectionClosedError

from notebake import clock
from notebake.aws import kinds, shared_describe, tagging, tags
from notebake.aws.model import Instance
from notebake.aws.shared_describe import MAX_AGE_SECONDS
from notebake.errors import CloudError
from notebake.resources import stack_instances
from notebake.runs.lock import hold_run
from notebake.runs.run import Run
from notebake.waiting import interrupt_waits, wait_until
from sandbox.api.application import Reply
from sandbox.messages.call import Call
from tests.cloud_steps import carry_out_to
from tests.cloud_world import REGION, CloudWorld
from tests.kills.world import forget_all
from tests.limits import HANG_SECONDS

ACTION = "DescribeInstances"


@pytest.fixture
def builder(world: CloudWorld) -> Instance:
    """A machine that runs, launched by an execution that has ended."""
    return launched(world.new_run())


def launched(run: Run) -> Instance:
    carry_out_to(run, "launch_instance")
    found = stack_instances.find_builder(run)
    assert found is not None
    return found


@dataclass
class Holds:
    """Holds readings back until it is told to let go, or lets each of them pass at once."""

    action: str = ACTION
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    goes_on: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    count: int = 0

    def before(self, call: Call) -> Reply | None:
        if call.action == self.action:
            self.count += 1
            self.arrived.release()
            assert self.goes_on.acquire(timeout=HANG_SECONDS)
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        del call
        return reply

    def release(self, times: int = 1) -> None:
        """Let so many readings pass."""
        self.goes_on.release(times)

    def wait_for_reading(self) -> None:
        """Return when a reading has arrived."""
        assert self.arrived.acquire(timeout=HANG_SECONDS)


def mark_as_somebody_else(world: CloudWorld, ids: list[str], **marks: str) -> None:
    """Change tags without this process knowing."""
    theirs = boto3.client("ec2", region_name=REGION, endpoint_url=world.sandbox.endpoint_url)
    theirs.create_tags(Resources=ids, Tags=tags.as_list(marks))


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(20) as opened:
        yield opened


def submit(pool: ThreadPoolExecutor, work: Callable[..., Any], *given: object) -> Future[Any]:
    """Do something in another thread of the same execution."""
    return pool.submit(contextvars.copy_context().run, work, *given)


def test_a_recent_reading_is_reused(world: CloudWorld, builder: Instance) -> None:
    run_id = builder.tags[tags.RUN]
    before = world.actions().count(ACTION)

    for _ in range(5):
        (shown,) = shared_describe.describe_shared(
            REGION, kinds.INSTANCE, shared_describe.BY_RUN, run_id, max_age_seconds=3600
        )
        assert shown["InstanceId"] == builder.id

    assert world.actions().count(ACTION) <= before + 1


def test_a_resource_that_was_not_found_is_read_again_each_time(world: CloudWorld) -> None:
    run = world.new_run()

    for _ in range(3):
        found = shared_describe.describe_shared(
            REGION, kinds.INSTANCE, shared_describe.BY_RUN, run.id, max_age_seconds=3600
        )
        assert found == []

    assert world.actions().count(ACTION) == 3


def test_a_partial_reading_does_not_prove_absence(world: CloudWorld, builder: Instance) -> None:
    """A run's builder is there: that says nothing of its other machines."""
    run_id = builder.tags[tags.RUN]

    def read_instances(**marks: str) -> list[dict[str, Any]]:
        return shared_describe.describe_shared(
            REGION,
            kinds.INSTANCE,
            shared_describe.BY_RUN,
            run_id,
            only=lambda instance: marks.items() <= tags.as_dict(instance["Tags"]).items(),
            max_age_seconds=3600,
        )

    assert len(read_instances(**{tags.ROLE: "builder"})) == 1
    before = world.actions().count(ACTION)
    assert read_instances(**{tags.ROLE: "acceptance"}) == []

    assert world.actions().count(ACTION) == before + 1


def test_after_a_change_older_readings_are_discarded(builder: Instance) -> None:
    run_id = builder.tags[tags.RUN]

    for number in range(3):
        tagging.add_tags(REGION, [builder.id], {"number": str(number)})
        (shown,) = shared_describe.describe_shared(
            REGION, kinds.INSTANCE, shared_describe.BY_RUN, run_id, max_age_seconds=3600
        )
        assert tags.as_dict(shown["Tags"])["number"] == str(number)


def test_a_change_with_a_lost_answer_counts_as_a_change(
    world: CloudWorld, builder: Instance
) -> None:
    run_id = builder.tags[tags.RUN]
    shared_describe.describe_shared(REGION, kinds.INSTANCE, shared_describe.BY_RUN, run_id)
    lost = world.sandbox.fail("lose_after", action="CreateTags")

    with pytest.raises(ConnectionClosedError):
        world.ec2.create_tags(Resources=[builder.id], Tags=tags.as_list({"number": "1"}))
    (shown,) = shared_describe.describe_shared(
        REGION, kinds.INSTANCE, shared_describe.BY_RUN, run_id, max_age_seconds=3600
    )

    assert world.sandbox.fired(lost) == 5
    assert tags.as_dict(shown["Tags"])["number"] == "1"


def test_a_reading_in_flight_during_a_change_is_discarded(
    world: CloudWorld, builder: Instance, pool: ThreadPoolExecutor
) -> None:
    run_id = builder.tags[tags.RUN]
    holds = Holds()
    clock.pause(MAX_AGE_SECONDS)
    with world.intercepting(holds):
        early = submit(
            pool,
            shared_describe.describe_shared,
            REGION,
            kinds.INSTANCE,
            shared_describe.BY_RUN,
            run_id,
        )
        holds.wait_for_reading()
        tagging.add_tags(REGION, [builder.id], {"number": "1"})
        late = submit(
            pool,
            shared_describe.describe_shared,
            REGION,
            kinds.INSTANCE,
            shared_describe.BY_RUN,
            run_id,
        )
        holds.release(1000)
        (shown,) = late.result(30)

    assert tags.as_dict(shown["Tags"])["number"] == "1"
    assert early.result(30)
    assert holds.count == 2


def test_a_change_by_another_run_keeps_readings_valid(world: CloudWorld) -> None:
    mine, theirs = world.new_run(), world.new_run()
    launched(mine)
    other = launched(theirs)

    def read_instances() -> list[dict[str, Any]]:
        return shared_describe.describe_shared(
            REGION, kinds.INSTANCE, shared_describe.BY_RUN, mine.id, max_age_seconds=3600
        )

    def change() -> None:
        with hold_run(theirs):
            tagging.add_tags(REGION, [other.id], {"number": "1"})

    with clock.replaced(clock.RealClock()), hold_run(mine):
        assert read_instances()
        before = world.actions().count(ACTION)
        contextvars.Context().run(change)
        assert read_instances()

    assert world.actions().count("CreateTags") == 1
    assert world.actions().count(ACTION) == before


def test_readings_never_go_back_in_time_for_a_caller(world: CloudWorld, builder: Instance) -> None:
    """By its id it was seen to run: by its tag it cannot be seen to be starting after that."""
    run_id = builder.tags[tags.RUN]
    (old,) = shared_describe.describe_shared(REGION, kinds.INSTANCE, shared_describe.BY_RUN, run_id)
    mark_as_somebody_else(world, [builder.id], number="1")
    shared_describe.describe_shared(REGION, kinds.INSTANCE, "instance-id", builder.id)

    (shown,) = shared_describe.describe_shared(
        REGION, kinds.INSTANCE, shared_describe.BY_RUN, run_id, max_age_seconds=3600
    )

    assert "number" not in tags.as_dict(old["Tags"])
    assert tags.as_dict(shown["Tags"])["number"] == "1"


def test_one_missing_resource_does_not_disturb_other_waiters(
    world: CloudWorld, pool: ThreadPoolExecutor
) -> None:
    early, late = world.new_run(), world.new_run()
    machine = launched(early).id

    def shown(run: Run) -> str:
        def read_instances() -> str | None:
            found = stack_instances.find_builder(run)
            return found.id if found else None

        return wait_until(read_instances, what="it", timeout_seconds=36000)

    last = submit(pool, shown, late)
    assert [shown(early) for _ in range(20)] == [machine] * 20
    assert not last.done()

    assert launched(late).id == last.result(HANG_SECONDS)


def test_ten_waiters_read_as_often_as_one_and_notice_within_two_readings(
    world: CloudWorld, pool: ThreadPoolExecutor
) -> None:
    runs = [world.new_run() for _ in range(10)]
    builders = [launched(started).id for started in runs]
    stale: Counter[str] = Counter()
    change = Change()
    began, before = clock.elapsed(), world.actions().count(ACTION)

    def is_marked(run: Run) -> bool | None:
        is_after = change.is_made.is_set()
        found = shared_describe.describe_shared(
            REGION, kinds.INSTANCE, shared_describe.BY_RUN, run.id
        )
        is_there = "late" in tags.as_dict(found[0]["Tags"])
        stale[run.id] += is_after and not is_there
        return is_there or None

    def notice(run: Run) -> bool:
        return wait_until(
            lambda: is_marked(run), what="the mark", timeout_seconds=360000, interval_seconds=0.25
        )

    waiting = [submit(pool, notice, started) for started in runs]
    clock.pause(60)
    calls, seconds = world.actions().count(ACTION) - before, clock.elapsed() - began
    with world.intercepting(change):
        mark_as_somebody_else(world, builders, late="1")
    wait(waiting, timeout=HANG_SECONDS)

    assert [future.result() for future in waiting] == [True] * 10
    # One may be on its way when they change, and one be young enough for who asks right after that.
    assert change.is_made.is_set()
    assert max(stale.values()) <= 2
    assert 0 < calls < seconds / (9 * shared_describe.SPACING_SECONDS) + 10


class Change:
    """Tells when EC2 has changed tags."""

    def __init__(self) -> None:
        self.is_made = threading.Event()

    def before(self, call: Call) -> Reply | None:
        del call
        return None

    def after(self, call: Call, reply: Reply) -> Reply:
        if call.action == "CreateTags":
            self.is_made.set()
        return reply


def test_an_interrupt_ends_all_waiting_callers(world: CloudWorld, pool: ThreadPoolExecutor) -> None:
    run = world.new_run()
    waiting = [
        submit(
            pool,
            lambda: wait_until(
                lambda: stack_instances.find_builder(run), what="it", timeout_seconds=36000
            ),
        )
        for _ in range(5)
    ]
    clock.pause(5)

    interrupt_waits()

    assert {type(future.exception(HANG_SECONDS)) for future in waiting} == {InterruptedError}


def test_a_new_process_has_no_readings(world: CloudWorld, builder: Instance) -> None:
    """As a fork does that goes on as another process, in the middle of a reading."""
    run_id = builder.tags[tags.RUN]
    seen: list[list[dict[str, Any]]] = []

    def read_instances() -> list[dict[str, Any]]:
        return shared_describe.describe_shared(
            REGION, kinds.INSTANCE, shared_describe.BY_RUN, run_id, max_age_seconds=3600
        )

    class AnewInTheMiddle:
        def before(self, call: Call) -> Reply | None:
            if call.action == ACTION and not seen:
                seen.append([])
                contextvars.Context().run(forget_all)
                seen.append(contextvars.Context().run(read_instances))
            return None

        def after(self, call: Call, reply: Reply) -> Reply:
            del call
            return reply

    clock.pause(MAX_AGE_SECONDS)
    tagging.add_tags(REGION, [builder.id], {"number": "1"})
    with world.intercepting(AnewInTheMiddle()):
        assert len(read_instances()) == 1

    assert [instance["InstanceId"] for instance in seen[1]] == [builder.id]


def test_values_beyond_the_filter_limit_are_read_in_parts(
    world: CloudWorld, builder: Instance
) -> None:
    values = [*(f"run-{number}" for number in range(450)), builder.tags[tags.RUN]]
    before = world.actions().count(ACTION)

    found = kinds.list_kind(REGION, kinds.INSTANCE, shared_describe.BY_RUN, values)

    assert [instance["InstanceId"] for instance in found] == [builder.id]
    assert world.actions().count(ACTION) == before + 3


def test_one_refused_part_makes_the_whole_reading_fail(
    world: CloudWorld, builder: Instance
) -> None:
    values = [*(f"run-{number}" for number in range(450)), builder.tags[tags.RUN]]
    denied = world.sandbox.fail("refuse", action=ACTION, code="UnauthorizedOperation", skip=2)

    with pytest.raises(CloudError, match="UnauthorizedOperation"):
        kinds.list_kind(REGION, kinds.INSTANCE, shared_describe.BY_RUN, values)

    assert world.sandbox.fired(denied) == 1
