"""Brings a sandbox up, takes it down from any state, and describes its state."""

import shutil
from collections.abc import Callable

from sandbox.control import leftovers, prerequisites
from sandbox.control.server_process import (
    ServerOptions,
    answers,
    find_latency,
    find_server,
    start_server,
    stop_server,
)
from sandbox.errors import SandboxError
from sandbox.files import locked
from sandbox.home import Home, release_number
from sandbox.hosts import base_system, layers, network
from sandbox.programs import COMMAND

# What a home keeps when it is down; repositories that are served by git belong to the person.
KEPT_FOLDERS = ("images", "layers", "snapshots", "volumes")
DEFAULT_OPTIONS = ServerOptions()
FAULTS = "/notebake-sandbox/faults"
KEPT_FILES = ("api.json", "calls.jsonl", "server.log")


def bring_up(
    home: Home,
    report: Callable[[str], None],
    options: ServerOptions = DEFAULT_OPTIONS,
    *,
    fresh: bool = False,
) -> None:
    """Return when the sandbox answers; `fresh` first removes what a home that is down has kept."""
    with locked(home.path / "up.lock"):
        if is_up(home):
            _check_options(home, options)
            report(f"The sandbox is already up: {home.api_url}")
            return
        prerequisites.check(home.path)
        base_system.make_base(report)
        if leftovers.find(home):
            report("Clearing what an earlier sandbox left behind")
            stop_server(home)
            leftovers.clear(home)
        if fresh:
            remove_saved_state(home)
        start_server(home, options)
        report(f"The sandbox is up: {home.api_url}")
        report(f"Log:  {home.log_path}")
        report(f'Next: eval "$({COMMAND} env)"')


def _check_options(home: Home, options: ServerOptions) -> None:
    """Raise if the running sandbox does not have these options."""
    if options.faults:
        raise SandboxError(f"It is up already: POST the faults to {home.api_url}{FAULTS}")
    if options.seed is not None:
        raise SandboxError(f"It is up already: {COMMAND} down first, to draw its times anew")
    if options.latency and options.latency != find_latency(home):
        message = f"It is up already, with latency {find_latency(home)}"
        raise SandboxError(f"{message}: {COMMAND} down first")


def is_up(home: Home) -> bool:
    """Return whether the sandbox answers."""
    return find_server(home) is not None and answers(home)


def remove_saved_state(home: Home) -> None:
    """Remove images, snapshots and logs of a sandbox that is down; it keeps its number."""
    for name in KEPT_FILES:  # before the folders, to which they refer
        (home.path / name).unlink(missing_ok=True)
    for name in KEPT_FOLDERS:
        shutil.rmtree(home.path / name)
        (home.path / name).mkdir()


def bring_down(home: Home, *, purge: bool) -> list[str]:
    """End the sandbox and return what could not be cleared."""
    with locked(home.path / "up.lock"):
        stop_server(home)
        try:
            leftovers.clear(home)
        except SandboxError as error:
            return [str(error), *leftovers.find(home)]
        left = leftovers.find(home)
    if purge and not left:
        release_number(home)
        shutil.rmtree(home.path)
    return left


def describe(home: Home) -> list[str]:
    """Return the state of the sandbox, from files and the kernel."""
    server = find_server(home)
    state = f"up, process {server}" if server else "down"
    if server and not answers(home):
        state += ", but it does not answer"
    latency = [f"latency   {find_latency(home)}"] if server else []
    running = {name.removeprefix(f"{home.name}-") for name in network.namespaces(home)}
    lines = [
        f"sandbox   {state}",
        f"home      {home.path}",
        *latency,
        *(f"{name:9} {address}" for name, address in home.endpoints().items()),
        f"images    {' '.join(layers.images(home)) or 'none'}",
        f"machines  {' '.join(sorted(running)) or 'none'}",
    ]
    if not server and (left := leftovers.find(home)):
        lines += [f"left behind (clear it with: {COMMAND} down):", *left]
    return lines
