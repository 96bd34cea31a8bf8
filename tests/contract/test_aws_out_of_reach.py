"""AWS is unreachable or throttles for a while: each call is retried up to its time limit."""

import pytest

from notebake import clock
from notebake.aws import images, instances
from notebake.errors import CloudError, NotebakeError, ResourceLostError
from notebake.images import run_image
from notebake.machines.ssh_access import find_key_pair
from notebake.runs.lock import RunLostError, hold_run
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from notebake.timeouts import AWS_RETRY_SECONDS
from notebake.waiting import interrupt_waits
from tasks import import_key_pair
from tests.cloud_world import CloudWorld
from tests.quick_clock import QuickClock


@pytest.fixture
def run(world: CloudWorld) -> Run:
    return world.new_run()


@pytest.mark.parametrize(
    "fault", [{"effect": "lose_before"}, {"effect": "refuse", "code": "RequestLimitExceeded"}]
)
def test_a_call_is_retried_beyond_botocore_s_own_retries(
    world: CloudWorld, run: Run, fault: dict[str, str]
) -> None:
    name = world.sandbox.fail(action="DescribeImages", times=8, **fault)

    with hold_run(run):
        assert run_image.find_image(run) is None

    assert world.sandbox.fired(name) == 8


def test_a_permanent_failure_raises_within_the_time_budget(world: CloudWorld, run: Run) -> None:
    name = world.sandbox.fail("lose_before", action="DescribeImages")
    began = clock.elapsed()

    with hold_run(run), pytest.raises(CloudError, match="no answer from AWS") as caught:
        run_image.find_image(run)

    assert world.sandbox.fired(name) > 5
    assert caught.value.is_transient
    assert "try again" in caught.value.hint
    # The clock runs much quicker, and so do the moments that the calls themselves take.
    assert AWS_RETRY_SECONDS < clock.elapsed() - began < 10 * AWS_RETRY_SECONDS


def test_a_read_only_caller_gets_the_error_at_once(world: CloudWorld, run: Run) -> None:
    name = world.sandbox.fail("lose_before", action="DescribeImages")

    with pytest.raises(CloudError, match="no answer from AWS"):
        run_image.find_image(run)

    assert world.sandbox.fired(name) == 5, "as often as botocore tries"


def test_an_interrupt_ends_the_retries(world: CloudWorld, run: Run) -> None:
    world.sandbox.fail("lose_before", action="DescribeImages")
    interrupt_waits()

    with hold_run(run), pytest.raises(InterruptedError):
        run_image.find_image(run)


def test_a_call_is_not_repeated_after_the_run_lock_is_lost(world: CloudWorld, run: Run) -> None:
    """The laptop sleeps in the middle of an outage, and another one takes the run."""

    class Sleepy(QuickClock):
        def elapsed_with_sleep(self) -> float:
            return super().elapsed_with_sleep() + 3600 * world.sandbox.fired(lost)

    lost = world.sandbox.fail("lose_before", action="ImportKeyPair")
    with clock.replaced(Sleepy(60)), hold_run(run) as lease:
        theirs = lease.model_copy(update={"holder": "another"})
        open_store(run.store).write(f"{run.id}/lease.json", theirs.model_dump_json().encode())
        with pytest.raises(RunLostError):
            import_key_pair.make(run)

    assert world.sandbox.fired(lost) == 1, "botocore's own tries ask no lease: ours come first"
    assert find_key_pair(run, "builder") is None


def test_a_quota_error_says_which_quota_and_how_to_raise_it(world: CloudWorld, run: Run) -> None:
    world.sandbox.fail("refuse", action="RunInstances", code="VcpuLimitExceeded")

    base = images.resolve_base_image(run.recipe.base_image, run.recipe.region)["ImageId"]
    parameters = {"ImageId": base, "InstanceType": "g5.xlarge", "MinCount": 1, "MaxCount": 1}

    with pytest.raises(NotebakeError, match="VcpuLimitExceeded") as caught:
        instances.request_instances(run.recipe.region, parameters)

    assert not isinstance(caught.value, ResourceLostError)
    assert "L-DB2E81BA" in caught.value.hint
    assert "request-service-quota-increase" in caught.value.hint
