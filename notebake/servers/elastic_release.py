"""Gives the elastic address of a server back that is gone."""

import logging

from notebake.aws import elastic_calls
from notebake.errors import CloudError
from notebake.timeouts import REMOVAL_VISIBLE_SECONDS
from notebake.waiting import wait_until

log = logging.getLogger(__name__)
IN_USE = "InvalidIPAddress.InUse"


def release_addresses(owner: str, name: str, region: str) -> list[str]:
    """Give back the elastic addresses of a server that is gone; return the addresses."""
    found = elastic_calls.list_addresses(name, owner, region)
    for each in found:
        log.info("Releasing the elastic address %s", each["PublicIp"])
        _release(each["AllocationId"], region)
    return [str(each["PublicIp"]) for each in found]


def _release(allocation_id: str, region: str) -> None:
    """Release an address as soon as EC2 knows that its machine is gone."""

    def is_released() -> bool | None:
        try:
            elastic_calls.release_address(allocation_id, region)
        except CloudError as error:
            if error.code == IN_USE:
                return None
            raise
        return True

    wait_until(
        is_released, what=f"{allocation_id} to be free", timeout_seconds=REMOVAL_VISIBLE_SECONDS
    )
