"""The permissions for which there is no trial: EC2's beside a launch, and other services'."""

from collections.abc import Iterator

from notebake.aws.account import Caller
from notebake.aws.ssm import parameter_name
from notebake.names import SCHEDULE_PREFIX
from notebake.preflight.required_permissions import EVERYTHING, Permission, Thing, ours
from notebake.runs.run import Run
from notebake.store.interface import is_remote

LOOK = "`notebake survey` and `notebake sweep`"


def asks_without_trial(run: Run, caller: Caller) -> Iterator[Permission]:
    """Yield all of them."""
    yield Permission(
        "ec2:RunInstances",
        ours(run, "key-pair", "security-group"),
        called="ec2:RunInstances with the run's own key pair and group",
    )
    yield from asks_of_scheduler(run, caller)
    yield from asks_of_parameter_store(run, caller)


def asks_of_scheduler(run: Run, caller: Caller) -> Iterator[Permission]:
    """Yield those of EventBridge Scheduler, which ends machines where the recipe names a role."""
    region, role = run.recipe.region, run.recipe.scheduler_role
    yield Permission("scheduler:ListSchedules", (EVERYTHING,), only_for="" if role else LOOK)
    if not role:
        return
    place = f"arn:{caller.partition}:scheduler:{region}:{caller.account}:schedule/default"
    schedules = Thing("", f"{place}/{SCHEDULE_PREFIX}*")
    for verb in ("Create", "Update", "Get", "Delete"):
        yield Permission(f"scheduler:{verb}Schedule", (schedules,))
    yield Permission("iam:PassRole", (Thing("", role, passed_to="scheduler.amazonaws.com"),))


def asks_of_parameter_store(run: Run, caller: Caller) -> Iterator[Permission]:
    """Yield those of the Parameter Store, which keeps a run's keys where its store is remote."""
    region, is_needed = run.recipe.region, is_remote(run.store)
    yield Permission("ssm:DescribeParameters", (EVERYTHING,), only_for="" if is_needed else LOOK)
    if not is_needed:
        return
    place = f"arn:{caller.partition}:ssm:{region}:{caller.account}:parameter"
    kept = Thing("", f"{place}{parameter_name(run, '*')}")
    yield Permission("ssm:PutParameter", (kept,))
    for name in ("AddTagsToResource", "GetParameter", "DeleteParameters", "ListTagsForResource"):
        yield Permission(f"ssm:{name}", (kept,))
