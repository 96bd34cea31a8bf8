"""Where the suite runs is decided once: `settings` says by which variables."""

import datetime
import os
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any, Literal

import pytest

from tests.conformance import last_run
from tests.conformance.account import Account, account_for
from tests.conformance.guard import Watched
from tests.conformance.remains import Remains, end_machine
from tests.conformance.settings import Settings, read_settings, wrong
from tests.conformance.world import World, open_world

ACCOUNT = pytest.StashKey[Account]()
NUMBERS = count(1)


def pytest_configure(config: pytest.Config) -> None:
    """Refuse half of what AWS needs, before anything is made."""
    settings = read_settings(os.environ)
    parallel = getattr(config.option, "numprocesses", None) or hasattr(config, "workerinput")
    if settings and parallel:
        raise wrong("On AWS the suite runs in one process, which keeps one ledger (-n 0)")


def scope_of_account(fixture_name: str, config: pytest.Config) -> Literal["module", "session"]:
    """AWS has one ledger and one look at the end; a sandbox costs nothing and is made anew."""
    del fixture_name, config
    return "session" if read_settings(os.environ) else "module"


@pytest.fixture(scope=scope_of_account)
def account(request: pytest.FixtureRequest) -> Iterator[Account]:
    """Open the account; at the end remove what carries the run's tag, and look whether it went."""
    settings = read_settings(os.environ)
    with account_for(settings) as opened:
        if settings:
            request.config.stash[ACCOUNT] = opened
            say(request.config, describe(opened, settings))
        yield opened
        accounts = filter(None, (opened.friend, opened))
        left = [line for account in accounts for line in remove_all_of(account)]
        assert not left, "The suite has left behind:\n" + "\n".join(left)


def remove_all_of(account: Account) -> list[str]:
    """Remove what the run has made in an account; return what is left."""
    remains = Remains(
        Watched(account.ec2, account.guard, "the end"),
        account.region,
        account.run,
        account.guard.made,
        account.wait_settings,
    )
    remains.remove()
    return remains.look()


@pytest.fixture
def world(account: Account) -> Iterator[World]:
    """Give one test its part of the account; its machines end with it."""
    opened = open_world(account, f"{account.run}-{next(NUMBERS)}")
    yield opened
    end_machines(opened)


@pytest.fixture
def friend(account: Account) -> Iterator[World]:
    """Give one test a part of the other account, with which images are shared."""
    if account.friend is None:
        pytest.skip("there are no credentials of another account to share with")
    opened = open_world(account.friend, f"{account.friend.run}-{next(NUMBERS)}")
    yield opened
    end_machines(opened)


@pytest.fixture(scope=scope_of_account)
def shared(account: Account) -> Iterator[World]:
    """Give what several tests look at and none changes a part of its own."""
    opened = open_world(account, f"{account.run}-shared")
    yield opened
    end_machines(opened)


def end_machines(world: World) -> None:
    """Begin to end what a test has launched, and release its addresses: quotas count both."""
    for address in world.ec2.describe_addresses(Filters=world.mine)["Addresses"]:
        if "AssociationId" in address:
            world.ec2.disassociate_address(AssociationId=address["AssociationId"])
        world.ec2.release_address(AllocationId=address["AllocationId"])
    for instance in world.instances():
        if instance["State"]["Name"] not in ("shutting-down", "terminated"):
            end_machine(world.ec2, instance["InstanceId"])


def describe(account: Account, settings: Settings) -> str:
    """Return where the suite is about to spend money, and how much at most."""
    return (
        f"Conformance on account {account.id}, region {account.region}, "
        f"{account.ec2.meta.endpoint_url}: at most {settings.cap_usd:.2f} USD "
        f"(prices of {account.guard.ledger.prices.written}). What it makes is tagged "
        f"{account.run}; should the suite be killed: python -m tests.conformance {account.run} "
        f"--region {account.region}{describe_friend(account.friend)}"
    )


def describe_friend(friend: Account | None) -> str:
    """Return what is to be done in the other account after a kill; "" without one."""
    if friend is None:
        return ""
    return f", and with the credentials of {friend.id}: python -m tests.conformance {friend.run}"


def say(config: pytest.Config, text: str) -> None:
    """Print a line now, whatever pytest captures."""
    capture = config.pluginmanager.getplugin("capturemanager")
    reporter = config.pluginmanager.getplugin("terminalreporter")
    if capture and reporter:
        with capture.global_and_fixture_disabled():
            reporter.write_line(f"\n{text}")


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Tell what a run on AWS may have cost, and keep how it went."""
    account = config.stash.get(ACCOUNT, None)
    if account is None:
        return
    ledger = account.guard.ledger
    terminalreporter.write_line(
        f"Charged in advance: {ledger.usd:.4f} of {ledger.cap_usd:.2f} USD in "
        f"{sum(1 for charge in ledger.charges if charge.usd)} calls"
    )
    counts = {name: len(found) for name, found in terminalreporter.stats.items()}
    counts["failed"] = counts.get("failed", 0) + counts.get("error", 0)
    if not last_run.is_aws(account.ec2.meta.endpoint_url):
        terminalreporter.write_line("Not recorded: this was not AWS")
    elif is_partial(config):
        terminalreporter.write_line("Not recorded: this was a part of the suite")
    else:
        now = datetime.datetime.now(datetime.UTC)
        line = last_run.describe_run(
            account_id=account.id, region=account.region, counts=counts, when=now
        )
        last_run.write_record(line)
        terminalreporter.write_line(f"Recorded for the README and docs/limits.md: {line}")


def is_partial(config: pytest.Config) -> bool:
    """Tell whether tests were chosen."""
    chosen = config.option.keyword or config.option.markexpr or config.option.deselect
    places = {(config.invocation_params.dir / argument).resolve() for argument in config.args}
    return bool(chosen) or places != {Path(__file__).parent.resolve()}
