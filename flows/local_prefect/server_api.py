"""The API of a Prefect server, for what Prefect's client has no method for."""

import os
import time

import httpx

from notebake.timeouts import PREFECT_ANSWER_SECONDS

BUSY = {httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS}
PAUSES = (0.5, 1, 2, 4)
"""In seconds, one after the other."""


class AskingAgain(httpx.HTTPTransport):
    """Asks a server again that says that it is busy, and has done nothing.

    A request without an answer is not repeated, as Prefect's own client does: it may have made an
    automation, and would make a second one of the same name.
    """

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Return the first answer of another kind, or the last one."""
        for seconds in PAUSES:
            answer = super().handle_request(request)
            if answer.status_code not in BUSY:
                return answer
            answer.close()
            time.sleep(seconds)
        return super().handle_request(request)


def connected(url: str) -> httpx.Client:
    """Return a client of a server's API.

    A server that shares SQLite with bakes answers 503 while the database is locked.
    A server with a password takes PREFECT_API_AUTH_STRING of the environment, as USER:PASSWORD.
    """
    user, _, password = os.environ.get("PREFECT_API_AUTH_STRING", "").partition(":")
    return httpx.Client(
        base_url=f"{url}/api",
        auth=(user, password) if user else None,
        timeout=PREFECT_ANSWER_SECONDS,
        transport=AskingAgain(),
        trust_env=False,
    )
