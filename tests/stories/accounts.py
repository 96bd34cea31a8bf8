"""Runs that are taken up with the credentials of another AWS account."""

import tempfile
from pathlib import Path

from notebake.aws.clients import connect
from notebake.aws.model import Account
from notebake.aws.session import current_credentials
from notebake.machines.failure_report import failure_report
from notebake.resources.survey import Scope, survey
from notebake.runs.account import read_account, record_account
from notebake.runs.account_check import assign_account
from notebake.runs.attempt_store import list_attempts
from notebake.runs.open_store import open_store
from notebake.runs.run import Run
from tests.faults.faulty_world import FaultyWorld, furnish
from tests.kills import whole_run
from tests.kills.scripted_work import CONTENT
from tests.stories.outcomes import (
    At,
    Outcome,
    Story,
    die_at,
    left,
    load_stored,
    resumed,
    run_to_end,
    torn_down,
)

OTHER = "210987654321"
HOUR = 3600


def begin(world: FaultyWorld) -> tuple[Run, str]:
    """Return a run that was killed as its software was about to be installed, and its store."""
    furnish(world)
    location = tempfile.mkdtemp(dir=world.directory, prefix="runs-")
    run = whole_run.begin(world.recipe, location)
    die_at(world, run, "install_software", location)
    return run, location


def go_to(world: FaultyWorld, account_id: str, seconds: float) -> None:
    """Go on, later and on the same machine, with the credentials of an account that is empty."""
    later = world.clock.seconds + seconds
    world.empty(account_id)
    world.clock.seconds = later
    world.new_process(same_machine=True)
    s3 = connect("s3", "us-east-1")
    s3.create_bucket(Bucket="others")
    s3.put_object(Bucket="others", Key="sst.nc", Body=CONTENT)


def forget_account(run: Run, location: str) -> None:
    """Let the run be of before accounts were kept."""
    open_store(location).delete(f"{run.id}/account.json")


def all_ways(world: FaultyWorld, run: Run, location: str) -> Outcome:
    """Tell what each way to take a run up says here, and what has come of the run."""
    kept = load_stored(run, location)
    scope = Scope(regions=(kept.recipe.region,), run_id=run.id, store=location, before=None)
    return {
        "survey": run_to_end(lambda: survey(scope).findings),
        "aftermath": str(failure_report(kept)),
        "tear-down": torn_down(run, location),
        "resume": resumed(run, location),
        "states": sorted({attempt.state for attempt in list_attempts(kept)}),
        "keys": sorted(path.name for path in Path(location, run.id, "keys").glob("builder*")),
        "made here": left(world),
        "account": str(read_account(run.id, open_store(location))),
    }


def another_account(world: FaultyWorld) -> Outcome:
    run, location = begin(world)
    go_to(world, OTHER, 400)
    return all_ways(world, run, location)


def another_account_much_later(world: FaultyWorld) -> Outcome:
    run, location = begin(world)
    go_to(world, OTHER, 30 * HOUR)
    return all_ways(world, run, location)


def nothing_is_shown(world: FaultyWorld) -> Outcome:
    """The account says that it is the same, but shows nothing: as another endpoint would."""
    run, location = begin(world)
    go_to(world, whole_account(world), 400)
    return all_ways(world, run, location)


def an_old_run_elsewhere(world: FaultyWorld) -> Outcome:
    run, location = begin(world)
    forget_account(run, location)
    go_to(world, OTHER, 3 * HOUR)
    return all_ways(world, run, location)


def an_old_run_claimed(world: FaultyWorld) -> Outcome:
    """Nothing of it is left anywhere, and a person says where it was."""
    run, location = begin(world)
    forget_account(run, location)
    go_to(world, OTHER, 30 * HOUR)
    kept = load_stored(run, location)
    wrong = run_to_end(lambda: assign_account(kept, "999999999999"))
    refused = read_account(run.id, open_store(location))
    assign_account(kept, OTHER)
    return {
        "wrong claim": wrong,
        "kept of it": str(refused),
        "tear-down": torn_down(run, location),
        "account": str(read_account(run.id, open_store(location))),
    }


def an_old_run_at_home(world: FaultyWorld) -> Outcome:
    run, location = begin(world)
    forget_account(run, location)
    world.new_process(same_machine=True)
    resume = resumed(run, location)
    kept = read_account(run.id, open_store(location))
    return {"resume": resume, "account": str(kept), "left": left(world)}


def at_home(world: FaultyWorld) -> Outcome:
    """The run keeps its account before anything is made, and asks once whose credentials it has."""
    run, location = begin(world)
    kept = read_account(run.id, open_store(location))
    calls = [record.action for record in world.application.calls.records()]
    made = next(n for n, action in enumerate(calls) if action == "ImportKeyPair")
    world.new_process(same_machine=True)
    return {
        "account": str(kept),
        "first": calls.index("GetCallerIdentity") < made,
        "resume": resumed(run, location),
        "left": left(world),
    }


def another_partition(world: FaultyWorld) -> Outcome:
    run, location = begin(world)
    forget_account(run, location)
    record_account(run, Account(id=whole_account(world), partition="aws-cn"))
    world.new_process(same_machine=True)
    return {"resume": resumed(run, location)}


def credentials_switched(world: FaultyWorld) -> Outcome:
    """In the middle of a run its credentials become those of another account."""
    furnish(world)
    other = world.add_account(OTHER, "of-another")
    location = tempfile.mkdtemp(dir=world.directory, prefix="runs-")
    run = whole_run.begin(world.recipe, location)
    world.interceptor = At("install_software", lambda: sign_with("of-another"))
    build = run_to_end(lambda: whole_run.take_up(run.id, location))
    there = [instance for instance in other.region(run.recipe.region).instances]
    sign_with("testing")
    world.new_process(same_machine=True)
    return {
        "fired": world.interceptor.happened,
        "build": build,
        "made there": there,
        "states": sorted({attempt.state for attempt in list_attempts(run)}),
        "resume": resumed(run, location),
        "left": left(world),
    }


def switched_in_a_tear_down(world: FaultyWorld) -> Outcome:
    run, location = begin(world)
    world.add_account(OTHER, "of-another")
    world.new_process(same_machine=True)
    world.interceptor = At("tear_down", lambda: sign_with("of-another"))
    outcome = torn_down(run, location)
    states = sorted({attempt.state for attempt in list_attempts(run)})
    sign_with("testing")
    again = torn_down(run, location)
    return {"said": outcome, "states": states, "again": again, "left": left(world)}


def credentials_renewed(world: FaultyWorld) -> Outcome:
    """In the middle of a run the key becomes another one of the same account."""
    furnish(world)
    location = tempfile.mkdtemp(dir=world.directory, prefix="runs-")
    run = whole_run.begin(world.recipe, location)
    world.interceptor = At("install_software", lambda: sign_with("renewed"))
    build = run_to_end(lambda: whole_run.take_up(run.id, location))
    calls = [record.action for record in world.application.calls.records()]
    # After preflight, which asks for itself, and tries this call with DryRun.
    since = max(n for n, action in enumerate(calls) if action == "CreateSecurityGroup")
    return {
        "fired": world.interceptor.happened,
        "build": build,
        "asked since": calls[since:].count("GetCallerIdentity"),
    }


def sign_with(access_key: str) -> None:
    """Let all calls from now on be signed with another key."""
    credentials = current_credentials()
    assert credentials
    credentials.found.access_key = access_key


def whole_account(world: FaultyWorld) -> str:
    """Return the account in which the world began."""
    return str(world.cloud.account_id)


STORIES: dict[str, Story] = {
    story.__name__: story
    for story in (
        another_account,
        another_account_much_later,
        nothing_is_shown,
        an_old_run_elsewhere,
        an_old_run_claimed,
        an_old_run_at_home,
        at_home,
        another_partition,
        credentials_switched,
        switched_in_a_tear_down,
        credentials_renewed,
    )
}
