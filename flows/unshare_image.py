"""Takes an image back from those with whom it was shared, as a flow."""

from typing import Any

from prefect import flow

from flows.prefect_ui.form import ImageId, OneRegion, OptionalRecipients, StoreLocation
from flows.prefect_ui.plain_ending import ending_plainly
from flows.share_image import end_with, show_plan
from notebake.images.sharing.carry_out import carry_out
from notebake.images.sharing.plan import plan_unshare
from notebake.images.sharing.recipients import read_recipients
from notebake.runs.open_store import default_location, open_store
from notebake.waiting import allow_waits


@flow(name="Unshare an image")
@ending_plainly
def unshare_image(
    image: ImageId,
    region: OneRegion,
    recipients: OptionalRecipients = [],  # noqa: B006  (a form shows the default)
    from_all: bool = False,
    store: StoreLocation = "",
) -> Any:
    """Let accounts, organizations or everybody launch an image no more.

    Their running machines go on, and so do the copies that they have made.

    Args:
        image: Id of the image, such as ami-0123456789abcdef0; also of a revoked one.
        region: The region in which the image is, such as us-west-2.
        recipients: Each is an account (12 digits), the whole ARN of an organization or of a unit of
            it, or `all`: everybody in AWS.
        from_all: Take it from all with whom it is shared now; then `recipients` stays empty.
        store: Location of the run store, a directory or s3://bucket/prefix; empty: the default.

    Raises:
        NotebakeError: the image is none of ours, or AWS refused.
    """
    allow_waits()
    opened = open_store(store or default_location())
    wanted = None if from_all else read_recipients(recipients)
    plan = plan_unshare(image, region, wanted, opened)
    show_plan(plan)
    return end_with(carry_out(plan, opened))
