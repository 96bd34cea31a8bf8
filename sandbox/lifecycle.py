"""Brings a sandbox up, takes it down whatever state it is in, and says how it stands."""

import shutil
from collections.abc import Callable

from sandbox import base_system, layers, leftovers, needs, network
from sandbox.errors import SandboxError
from sandbox.home import Home, locked, release_number
from sandbox.server_process import answers, find_server, start_server, stop_server


def bring_up(home: Home, report: Callable[[str], None]) -> None:
    """Return when the sandbox answers. Does nothing if it does already."""
    with locked(home.path / "up.lock"):
        if find_server(home) and answers(home):
            report(f"The sandbox is already up: {home.api_url}")
            return
        if lacking := needs.missing(home.path):
            raise SandboxError("\n".join(["The sandbox cannot run yet:", *lacking]))
        base_system.make_base(report)
        if leftovers.find(home):
            report("Clearing what an earlier sandbox left behind")
            stop_server(home)
            leftovers.clear(home)
        start_server(home)
        report(f"The sandbox is up: {home.api_url}  (log: {home.log_path})")
        report('Next: eval "$(python -m sandbox env)"')


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
