"""What is done by hand for the start of a server; in brackets the steps of the tutorial."""

from collections.abc import Iterator

from notebake.explanation import server_extras, server_lines
from notebake.explanation.document import (
    ExplainedStep,
    Section,
    on_computer,
    on_console,
    unnumbered_step,
)
from notebake.explanation.server_calls_by_hand import creating_group, launching
from notebake.explanation.server_facts import ServerFacts


def starting(facts: ServerFacts) -> Section:
    """Return what `notebake start` does."""
    server, region = facts.server, facts.server.region
    named = f" ({facts.image_name})" if facts.image_name else ""
    looking = [
        on_console(f"EC2 > Images > AMIs > Private images > {server.image_id}"),
        on_computer(
            f"aws ec2 describe-images --region {region} \\\n    --image-ids {server.image_id}"
        ),
    ]
    steps = (
        unnumbered_step(
            "sign_in",
            "Sign in, and choose the region [step 1]",
            "A region is where the machines stand. What is in one is not seen from another.",
            [
                on_console(f"Sign in > the menu of regions, upper right > {region}"),
                on_computer("aws sts get-caller-identity", "Says who you are to AWS."),
            ],
        ),
        unnumbered_step(
            "find_image",
            "Find the image [steps 2 and 3]",
            f"The image has everything that the machine is to have: {server.image_id}{named}.",
            looking,
        ),
        unnumbered_step(
            "make_key",
            "Make a key [step 5]",
            "A key is how you log in without a password: the public half goes on the machine, the"
            " private half stays with you.",
            server_lines.making_key(facts),
        ),
        unnumbered_step(
            "make_group",
            "Make a security group [step 4]",
            "The machine's firewall. A new one lets nobody in. In a class each needs a name of its"
            " own; notebake's has a digest of owner and server.",
            creating_group(facts),
        ),
        unnumbered_step(
            "launch",
            "Launch the machine [steps 4 and 5]",
            "Rents the machine, with disks that are copies of the image's.",
            launching(facts),
            facts.costs_running,
        ),
    )
    return Section(number=0, title="Start it: notebake start", steps=(*steps, *_list_extras(facts)))


def _list_extras(facts: ServerFacts) -> Iterator[ExplainedStep]:
    """Give the steps for what the image has not."""
    if actions := server_extras.fixing_address(facts):
        purpose = "An elastic address is the same at each start, until it is released."
        costs = "Costs while the server is stopped, too."
        yield unnumbered_step("fix_address", "Give it a fixed address", purpose, actions, costs)
    if actions := server_extras.attaching(facts):
        purpose = "Disks of its own, or that were on other servers before; each is known by its id."
        costs = "A volume costs until it is deleted, whether a server uses it or not."
        yield unnumbered_step("attach_disks", "Attach and mount its disks", purpose, actions, costs)
    if actions := server_extras.scheduling(facts):
        purpose = (
            "Stops it at its daily end or hard end from outside: nobody on it can prevent that."
        )
        yield unnumbered_step("schedule_ends", "Let its ends stand outside of it", purpose, actions)
