"""Lists the notebook servers as a flow, whose artifact `servers` always shows the newest."""

import logging
from typing import Any

from prefect import flow
from prefect.states import Completed

from flows.prefect_ui.form import Regions
from flows.prefect_ui.plain_ending import ending_plainly
from flows.servers_artifact import show_servers, sum_up
from flows.sweep import expand_regions
from notebake.waiting import allow_waits

log = logging.getLogger(__name__)


@flow(name="Servers")
@ending_plainly
def list_servers(regions: Regions) -> Any:
    """List the notebook servers: state, use, cost, and when each stops. Nothing is changed.

    The artifact `servers` has the table; each flow that starts, keeps or ends a server makes it
    anew for its region.

    Args:
        regions: The regions to list, such as us-west-2; `all`: all regions of the account.

    Raises:
        CloudError: a region refused, or gave no answer.
    """
    allow_waits()
    wanted = expand_regions(regions)
    servers = show_servers(wanted).servers
    sentence = sum_up(servers, wanted)
    log.info("%s", sentence)
    return Completed(message=sentence, data=len(servers))
