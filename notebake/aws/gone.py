"""Removes a resource: retries the call while the resource is still in use."""

from collections.abc import Callable

from notebake.aws.clients import calling
from notebake.aws.error_codes import STILL_CHANGING
from notebake.errors import CloudError, WaitTimeoutError
from notebake.timeouts import UNUSED_SECONDS
from notebake.waiting import wait_until

GONE_CODES = frozenset(
    (
        *("InvalidVolume.NotFound", "InvalidNetworkInterfaceID.NotFound"),
        *("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound"),
    )
)
BUSY_CODES = (
    frozenset(("VolumeInUse", "InvalidNetworkInterface.InUse", "IncorrectState", *STILL_CHANGING))
    - GONE_CODES
)


def retry_removal(call: Callable[[], object], thing_id: str) -> None:
    """Retry a removing call until EC2 accepts it or reports that the resource is gone.

    Raises:
        CloudError: EC2 refused.
        WaitTimeoutError: it stayed in use.
    """
    busy: list[CloudError] = []

    def is_accepted() -> bool | None:
        try:
            with calling(f"remove {thing_id}"):
                call()
        except CloudError as error:
            if error.code in BUSY_CODES:
                busy.append(error)
                return None
            if error.code not in GONE_CODES:
                raise
        return True

    try:
        wait_until(is_accepted, what=f"{thing_id} to be unused", timeout_seconds=UNUSED_SECONDS)
    except WaitTimeoutError as error:
        # EC2's message names what uses the resource.
        raise busy[-1] if busy else error from None
