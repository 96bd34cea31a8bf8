"""Whether a server is used, as its idle timer last wrote to the console: no key and no ssh needed.

The unit `notebake-idle.service` writes there what it tells the journal, which is each change.
"""

import logging
import re

from notebake.aws import server_calls
from notebake.errors import CloudError
from notebake.humanize import clean_text
from notebake.servers.server import Server

log = logging.getLogger(__name__)
STATE = re.compile(r"notebake-idle\[\d+\]: (In use|Not used since \d\d:\d\d UTC[^\r\n]*)")
LONGEST = 160


def read_use(server: Server) -> str:
    """Return in words whether a server that runs is used; "" if its console does not say."""
    try:
        return parse_use(server_calls.read_console(server.id, server.region))
    except CloudError as error:
        log.warning("Whether %s is used is not known: %s", server.name, error)
        return ""


def parse_use(console: str) -> str:
    """Return the last state that a console shows, such as `Not used since 14:05 UTC (…)`; or ""."""
    found = STATE.findall(console)
    return clean_text(found[-1]).strip()[:LONGEST] if found else ""
