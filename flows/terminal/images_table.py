"""The images of a region as a table."""

from collections.abc import Sequence

from rich.table import Table

from flows.terminal.console import open_console
from notebake.aws import tags
from notebake.aws.model import Resource


def print_images(images: Sequence[Resource], region: str) -> None:
    """Print the images, each with whether it is accepted."""
    console = open_console()
    if not images:
        console.print(f"No image in {region} was made by notebake.")
        return
    table = Table("image", "run", "", box=None, pad_edge=False)
    for image in images:
        day = image.tags.get(tags.ACCEPTED, "")[:10]
        verdict = f"accepted {day}" if day else f"{image.state}, not accepted"
        table.add_row(image.id, image.run_id, verdict)
    console.print(table, soft_wrap=True)
