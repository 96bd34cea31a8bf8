"""What a person does when AWS has no room for a server, or the account's quota leaves none."""

from notebake.aws.instances import QUOTA_CODES
from notebake.aws.quotas import quota_hint
from notebake.errors import CapacityError, CloudError, NextCommand
from notebake.local.usual_region import region_words
from notebake.servers.next_command import command_on
from notebake.servers.server import Server


def running_command(region: str) -> NextCommand:
    """Return the command that shows what uses a quota."""
    return NextCommand(("servers", *region_words(region)), "What runs, and may be stopped")


def with_advice(error: CloudError, server: Server) -> CloudError:
    """Return the error of the start of a stopped server, with what to do about it.

    Its disks lie in its zone: it can start nowhere else.
    """
    again = command_on(server, "open", purpose="To try again")
    if isinstance(error, CapacityError):
        hint = f"Its disks lie in {server.zone}, so it can start only there. Try again in a while."
        return CapacityError(error.message, hint, error.code).with_next(again)
    if error.code in QUOTA_CODES:
        error.hint = quota_hint(server.instance_type, server.region)
        return error.with_next(running_command(server.region), again)
    return error
