"""Brings a sandbox up, takes it down whatever state it is in, and says how it stands."""

import shutil
from collections.abc import Callable
from pathlib import Path

from sandbox import base_system, layers, leftovers, needs, network
from sandbox.errors import SandboxError
from sandbox.home import Home, locked, release_number
from sandbox.server_process import answers, find_server, start_server, stop_server

# What a home keeps between one `up` and the next; what is served by git is the person's own.
KEPT_FOLDERS = ("images", "layers", "snapshots", "volumes")
FAULTS = "/notebake-sandbox/faults"
KEPT_FILES = ("api.json", "calls.jsonl", "server.log")


def bring_up(
    home: Home,
    report: Callable[[str], None],
    *,
    fresh: bool = False,
    faults: Path | None = None,
) -> None:
    """Return when the sandbox answers; `fresh` forgets what a home that is down has kept.

    `faults` is a file of what is to go wrong in it.
    """
    with locked(home.path / "up.lock"):
        if is_up(home):
            if faults:
                raise SandboxError(f"It is up already: POST the faults to {home.api_url}{FAULTS}")
            report(f"The sandbox is already up: {home.api_url}")
            return
        needs.check(home.path)
        base_system.make_base(report)
        if leftovers.find(home):
            report("Clearing what an earlier sandbox left behind")
            stop_server(home)
            leftovers.clear(home)
        if fresh:
            forget(home)
        start_server(home, faults)
        report(f"The sandbox is up: {home.api_url}  (log: {home.log_path})")
        report('Next: eval "$(python -m sandbox env)"')


def is_up(home: Home) -> bool:
    """Tell whether the sandbox answers."""
    return find_server(home) is not None and answers(home)


def forget(home: Home) -> None:
    """Remove images, snapshots and logs of a sandbox that is down; its number stays its own."""
    for name in KEPT_FILES:  # first: what they name must not be gone before them
        (home.path / name).unlink(missing_ok=True)
    for name in KEPT_FOLDERS:
        shutil.rmtree(home.path / name)
        (home.path / name).mkdir()


def bring_down(home: Home, *, purge: bool) -> list[str]:
    """End the sandbox and return what could not be cleared: nothing, if all is well."""
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
    """Return how the sandbox stands, from files and the kernel."""
    server = find_server(home)
    state = f"up, process {server}" if server else "down"
    if server and not answers(home):
        state += ", but it does not answer"
    running = {name.removeprefix(f"{home.name}-") for name in network.namespaces(home)}
    lines = [
        f"sandbox   {state}",
        f"home      {home.path}",
        *(f"{name:9} {address}" for name, address in home.endpoints().items()),
        f"images    {' '.join(layers.images(home)) or 'none'}",
        f"machines  {' '.join(sorted(running)) or 'none'}",
    ]
    if not server and (left := leftovers.find(home)):
        lines += ["left behind (clear it with: python -m sandbox down):", *left]
    return lines
