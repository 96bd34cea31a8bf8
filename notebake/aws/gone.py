"""How one thing is removed: asked for until EC2 does it, or says that it has been done."""

from collections.abc import Callable

from notebake.aws.clients import calling
from notebake.aws.meaning import NOT_YET
from notebake.errors import CloudError, WaitTimeoutError
from notebake.timeouts import UNUSED_SECONDS
from notebake.waiting import wait_until

GONE = frozenset(
    (
        *("InvalidVolume.NotFound", "InvalidNetworkInterfaceID.NotFound"),
        *("InvalidAMIID.NotFound", "InvalidAMIID.Unavailable", "InvalidSnapshot.NotFound"),
    )
)
BUSY = (
    frozenset(("VolumeInUse", "InvalidNetworkInterface.InUse", "IncorrectState", *NOT_YET)) - GONE
)


def until_removed(call: Callable[[], object], thing_id: str) -> None:
    """Make a removing call until it is accepted, or answered that the thing is gone.

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
            if error.code in BUSY:
                busy.append(error)
                return None
            if error.code not in GONE:
                raise
        return True

    try:
        wait_until(is_accepted, what=f"{thing_id} to be unused", timeout_seconds=UNUSED_SECONDS)
    except WaitTimeoutError as error:
        # EC2 says by what it is in use.
        raise busy[-1] if busy else error from None
