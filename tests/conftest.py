"""What no test of ours may reach: the account, the home and the run store of whoever runs it."""

import gc
import ipaddress
import itertools
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from xdist.scheduler import LoadFileScheduling

from notebake.local.loopback import bypass_proxy_for_loopback
from notebake.waiting import allow_waits
from sandbox.control import prerequisites
from sandbox.home import choose_path
from tests.conformance.settings import read_settings
from tests.draw import describe_draw, fix_seed, is_todays
from tests.endings import end_in_order
from tests.search_engine import Search, engine_program

# Tests ask servers of their own, and start programs that do.
bypass_proxy_for_loopback()
GUARDED = {
    *("unit", "contract", "crate", "docs", "repo", "flows", "conformance", "installed", "policy"),
    *("ssh", "updates"),
}
TESTS = Path(__file__).parent
WHOLE_RUN = "NOTEBAKE_TEST_WHOLE_RUN"
ONE_BAKE = (
    *("tests/sandbox/test_bake", "tests/sandbox/test_generations.py"),
    *("tests/sandbox/test_idle_stop.py", "tests/sandbox/test_idle_truth.py"),
    *("tests/sandbox/test_notebook_server.py", "tests/sandbox/test_rebakes.py"),
    *("tests/sandbox/test_shared_servers.py", "tests/sandbox/test_twist_of_the_day.py"),
)
"""What needs the one sandbox, the one Prefect server and the one image of the bakes: each worker
that has any of it would bake."""
ONE_SERVER = "tests/flows/"
"""What needs Prefect's server of the tests: each worker that has any of it starts one."""
LONGEST = (
    *(path.removeprefix("tests/") for path in ONE_BAKE),
    *("kills/test_kills.py", "flows/", "faults/", "kills/", "sandbox/", "clients/", "stories/"),
    *("ssh/", "unit/test_commands_conda.py", "installed/", "contract/"),
)
"""What takes longest, the longest first: what begins last should be over soon."""
AWS_NAMES = (
    "AWS_PROFILE",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_ROLE_ARN",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ENDPOINT_URL_EC2",
    "AWS_CA_BUNDLE",
)


@pytest.fixture(scope="session")
def search(request: pytest.FixtureRequest) -> Search:
    """The search for credentials with its engine; skipped where that cannot be fetched."""
    cache = request.config.cache
    assert cache
    return Search(engine_program(cache))


# Before the workers start: they all draw the same.
fix_seed()
end_in_order()


class NetworkReachedError(BaseException):
    """A test wanted to leave this machine; no `except Exception` may hide that."""


@pytest.fixture(autouse=True)
def _own_world(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Keep every test but those on real hosts in a world of its own."""
    folder = request.path.relative_to(TESTS).parts[0]
    if folder not in GUARDED or (folder == "conformance" and read_settings(os.environ)):
        yield
        return
    home = request.getfixturevalue("tmp_path_factory").mktemp("home", numbered=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("NOTEBAKE_RUNS", str(home / "runs"))
    monkeypatch.setenv("PREFECT_SERVER_ALLOW_EPHEMERAL_MODE", "false")
    keep_from_aws(monkeypatch, home)
    keep_from_advisers(monkeypatch)
    keep_on_this_machine(monkeypatch)
    yield
    allow_waits()


def keep_from_aws(monkeypatch: pytest.MonkeyPatch, home: Path) -> None:
    """Give botocore credentials that open nothing, and an address where nobody answers."""
    for name in AWS_NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(home / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(home / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-west-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")


def keep_from_advisers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give the programs that ask for advisories addresses where nobody answers."""
    monkeypatch.setenv("PIP_AUDIT_VULNERABILITY_SERVICE", "osv")
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("NOTEBAKE_DEBSECAN_SOURCE", "http://127.0.0.1:9")


def keep_on_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refuse every connection that leaves the loopback interface, and every name but its own."""
    connect, connect_ex = socket.socket.connect, socket.socket.connect_ex
    getaddrinfo = socket.getaddrinfo

    def guarded_connect(self: socket.socket, address: Any) -> None:
        check_stays_here(self, address)
        connect(self, address)

    def guarded_connect_ex(self: socket.socket, address: Any) -> int:
        check_stays_here(self, address)
        return connect_ex(self, address)

    def guarded_getaddrinfo(host: Any, *more: Any, **options: Any) -> Any:
        check_is_here(host)
        return getaddrinfo(host, *more, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded_connect)
    monkeypatch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
    monkeypatch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)


def check_stays_here(chosen: socket.socket, address: Any) -> None:
    """Raise for a stream that leaves; to connect a datagram socket sends nothing."""
    if chosen.family in (socket.AF_INET, socket.AF_INET6) and chosen.type == socket.SOCK_STREAM:
        check_is_here(address[0])


def check_is_here(host: Any) -> None:
    """Raise NetworkReachedError unless a host is this machine's loopback."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return
    try:
        is_here = ipaddress.ip_address(name).is_loopback or name in ("0.0.0.0", "::")  # noqa: S104
    except ValueError:
        is_here = False
    if not is_here:
        raise NetworkReachedError(f"A test wanted to reach {name}.")


def pytest_configure(config: pytest.Config) -> None:
    """Let the workers know whether all tests are run, of which only a share is tried in a day."""
    if config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        os.environ[WHOLE_RUN] = "yes"


class BakesTogether(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Gives each file to one worker, and those of one bake, or of one server, to the same."""

    def _split_scope(self, nodeid: str) -> str:
        path: str = super()._split_scope(nodeid)
        if path.startswith(ONE_BAKE):
            return "bakes"
        return "flows" if path.startswith(ONE_SERVER) else path


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> BakesTogether:
    """Return what hands out the tests."""
    return BakesTogether(config, log)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[None]:
    """Collect no garbage meanwhile, and never look again at what is imported once and for all.

    It takes a fifth of the time of the imports, and a third of a second for each full collection
    later on.
    """
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what is not drawn today, begin with what takes longest, skip what cannot be."""
    if os.environ.get(WHOLE_RUN):
        drawn = [is_todays(place_of(item), item.name) for item in items]
        left_out = [item for item, is_drawn in zip(items, drawn, strict=True) if not is_drawn]
        items[:] = itertools.compress(items, drawn)
        config.hook.pytest_deselected(items=left_out)
    items.sort(key=lambda item: rank_of(place_of(item)))
    skip_what_needs_hosts(items)


def rank_of(path: str) -> int:
    """Return how early a file is begun, 0 being the first."""
    ranks = (rank for rank, place in enumerate(LONGEST) if path.startswith(place))
    return next(ranks, len(LONGEST))


def place_of(item: pytest.Item) -> str:
    """Return the file of a test, from the folder of the tests on."""
    return item.path.relative_to(TESTS).as_posix()


def skip_what_needs_hosts(items: list[pytest.Item]) -> None:
    """Skip what needs real hosts where there can be none, and say why."""
    wanting = [item for item in items if item.get_closest_marker("sandbox")]
    if wanting and (reason := why_no_hosts()):
        for item in wanting:
            item.add_marker(pytest.mark.skip(reason=f"No real hosts here: {reason}"))


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Print the tables that tests have recorded, and by which seed a share was drawn."""
    for report in terminalreporter.getreports("passed") + terminalreporter.getreports("failed"):
        for name, text in report.user_properties:
            if name == "table" and report.when == "call":
                terminalreporter.write_line(f"\n{report.nodeid}\n{text}")
    terminalreporter.write_line(describe_draw())


def why_no_hosts() -> str:
    """Return what keeps this process from starting real hosts; "" where nothing does."""
    if os.geteuid() != 0:
        return "only root can start them"
    impossible = prerequisites.find_obstacles(choose_path())
    missing = [f"{package} is not installed" for package in prerequisites.missing_packages()]
    return next(iter([*impossible, *missing]), "")
