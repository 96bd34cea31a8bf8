"""A small JupyterLab in a process of its own, at the far end of every tunnel."""

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import ThreadingHTTPServer

from tests.unit.test_jupyter_server import Handler, Jupyter


class QuietHandler(Handler):
    """Remembers nothing."""

    jupyter = Jupyter()


def die_with_parent() -> None:
    """Let the kernel end this process when its parent has ended, however that went (prctl(2))."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)


@contextmanager
def serving() -> Iterator[int]:
    """Give the port at which it answers while the block runs."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), QuietHandler)
    server.daemon_threads = True
    child = os.fork()
    if child == 0:
        die_with_parent()
        server.serve_forever()
        os._exit(0)
    port = server.server_port
    server.socket.close()
    try:
        yield port
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
