"""The sandbox's server: `python -m sandbox.api.server --home DIR`, in the foreground until SIGTERM.

Needs   root, the base system
Gives   the AWS API on the loopback address, IMDS and git on the bridge
"""

import argparse
import logging
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.api.application import Application, ticking
from sandbox.api.imds import Imds
from sandbox.api.persistence import StateFile
from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.latency import DEFAULT_LATENCY, LATENCIES, Latency, latency_named
from sandbox.faults.fault import Fault, read_fault_file
from sandbox.home import IMDS_PORT, Home, open_home
from sandbox.hosts import network
from sandbox.hosts.machines import Machines
from sandbox.messages.call import CallLog
from sandbox.services import git_server

log = logging.getLogger(__name__)


class QuietHandler(WSGIRequestHandler):
    """Keeps connections open, as EC2 does, and leaves logging to the call log."""

    protocol_version = "HTTP/1.1"

    def send_header(self, keyword: str, value: str) -> None:
        """Send the date of the cloud, if the reply has one, in place of this machine's."""
        if keyword == "date":
            lines: list[bytes] = self._headers_buffer
            lines[:] = [line for line in lines if not line.startswith(b"Date:")]
        super().send_header(keyword, value)

    def log_request(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(application: Any, address: str, port: int) -> Iterator[int]:
    """Serve a WSGI application in threads while the block runs; yields the port."""
    server = make_server(address, port, application, threaded=True, request_handler=QuietHandler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield server.port
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def serve(home: Home, latency: Latency, faults: Sequence[Fault]) -> None:
    """Run the sandbox until SIGTERM or SIGINT; its hosts end with it, its images stay."""
    end = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: end.set())
    network.up(home)
    cloud = Cloud(Machines(home), latency)
    with ExitStack() as stack:
        git = git_server.start(home)
        stack.callback(git.wait)
        stack.callback(git.terminate)
        stack.callback(cloud.close)
        StateFile(cloud, home.path / "api.json").restore()
        calls = CallLog(home.path / "calls.jsonl")
        stack.enter_context(serving(Imds(cloud), home.gateway, IMDS_PORT))
        application = Application(cloud, calls)
        application.injector.add(*faults)
        stack.enter_context(serving(application, "127.0.0.1", home.api_port))
        stack.enter_context(ticking(application))
        log.info("The sandbox answers at %s", home.api_url)
        end.wait()
        log.info("The sandbox is ending")


def main(arguments: Sequence[str] | None = None) -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.api.server", description=__doc__)
    parser.add_argument("--home", help="the sandbox's directory")
    parser.add_argument(
        "--faults", type=Path, help="a file of faults: see sandbox/faults/README.md"
    )
    parser.add_argument(
        "--latency", default=DEFAULT_LATENCY, help=f"how long EC2 takes: {' or '.join(LATENCIES)}"
    )
    parser.add_argument("--seed", type=int, default=0, help="what these times are drawn by")
    chosen = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s %(message)s")
    faults = read_fault_file(chosen.faults) if chosen.faults else []
    serve(open_home(chosen.home), latency_named(chosen.latency, chosen.seed), faults)


if __name__ == "__main__":
    main()
