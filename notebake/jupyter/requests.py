"""Small questions to a Jupyter server at a loopback port, within an event loop."""

import asyncio
import json
from typing import Any

ANSWER_SECONDS = 30


async def ask(port: int, path: str, token: str) -> tuple[int, bytes]:
    """Return the status and the content of an answer; the token goes into a header.

    Raises:
        OSError: there is no answer, or not in time (TimeoutError).
    """
    # In HTTP/1.0 the answer ends where the connection does, and is never in chunks (RFC 1945).
    request = (
        f"GET {path} HTTP/1.0\r\nHost: 127.0.0.1:{port}\r\nAuthorization: token {token}\r\n\r\n"
    )
    async with asyncio.timeout(ANSWER_SECONDS):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            writer.write(request.encode())
            answer = await reader.read(-1)
        finally:
            writer.close()
    head, _, content = answer.partition(b"\r\n\r\n")
    words = head.split(maxsplit=2)
    if len(words) < 2 or not words[1].isdigit():
        raise ConnectionResetError("the answer is incomplete")
    return int(words[1]), content


async def is_logged_in(port: int, token: str) -> bool:
    """Return whether the server takes the token; OSError as for `ask`."""
    return (await ask(port, "/api/status?no_track_activity=1", token))[0] == 200


async def list_sessions(port: int, token: str) -> list[dict[str, Any]]:
    """Return the notebooks and consoles with their kernels; asking counts as no activity.

    Raises:
        OSError: as for `ask`, or the server answers something else.
    """
    status, content = await ask(port, "/api/sessions?no_track_activity=1", token)
    if status != 200:
        raise ConnectionError(f"the answer has status {status}")
    try:
        return [dict(session) for session in json.loads(content)]
    except (ValueError, TypeError) as error:
        raise ConnectionError("the answer is no list of sessions") from error
