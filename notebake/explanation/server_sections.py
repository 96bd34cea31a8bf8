"""What is done by hand for a server, by command; in brackets the steps of the tutorial."""

from notebake.costs.estimate import format_monthly
from notebake.explanation import server_lines
from notebake.explanation.call_actions import waiting
from notebake.explanation.document import (
    Action,
    ExplainedStep,
    Section,
    on_computer,
    on_console,
)
from notebake.explanation.server_calls_by_hand import call, creating_group, launching, letting_in
from notebake.explanation.server_facts import ServerFacts
from notebake.servers.ends import describe_ends


def _step(
    name: str, title: str, purpose: str, actions: list[Action], costs: str = ""
) -> ExplainedStep:
    return ExplainedStep(
        number="", name=name, title=title, purpose=purpose, costs=costs, actions=tuple(actions)
    )


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
        _step(
            "sign_in",
            "Sign in, and choose the region [step 1]",
            "A region is where the machines stand. What is in one is not seen from another.",
            [
                on_console(f"Sign in > the menu of regions, upper right > {region}"),
                on_computer("aws sts get-caller-identity", "Says who you are to AWS."),
            ],
        ),
        _step(
            "find_image",
            "Find the image [steps 2 and 3]",
            f"The image has everything that the machine is to have: {server.image_id}{named}.",
            looking,
        ),
        _step(
            "make_key",
            "Make a key [step 5]",
            "A key is how you log in without a password: the public half goes on the machine, the"
            " private half stays with you.",
            server_lines.making_key(facts),
        ),
        _step(
            "make_group",
            "Make a security group [step 4]",
            "The machine's firewall. A new one lets nobody in. In a class each needs a name of its"
            " own; notebake's has a digest of owner and server.",
            creating_group(facts),
        ),
        _step(
            "launch",
            "Launch the machine [steps 4 and 5]",
            "Rents the machine, with disks that are copies of the image's.",
            launching(facts),
            facts.costs_running,
        ),
    )
    return Section(number=0, title="Start it: notebake start", steps=steps)


def opening(facts: ServerFacts) -> Section:
    """Return what `notebake open` does."""
    server = facts.server
    log = call(facts, "GetConsoleOutput", {"InstanceId": server.id, "Latest": True})
    steps = (
        _step(
            "find",
            "Find it, and its address [steps 6 to 8]",
            "A machine that is stopped is started first; with each start it gets an address.",
            [
                *call(facts, "StartInstances", {"InstanceIds": [server.id]}, "If it is stopped."),
                on_computer(waiting("instance-running", server.region, server.id)),
                *server_lines.finding(facts),
            ],
        ),
        _step(
            "let_in",
            "Let your computer in [step 4]",
            f"ssh is allowed from your address only. {facts.allowed}",
            letting_in(facts),
        ),
        _step(
            "log_in",
            "Log in [steps 9 and 10]",
            "What you type from then on runs on the machine.",
            [*log, *server_lines.pinning(facts), *server_lines.logging_in(facts)],
        ),
        _step(
            "read_token",
            "Get the token of JupyterLab [step 11]",
            "JupyterLab shows notebooks in a browser. Its token is the password of this machine.",
            server_lines.reading_token(facts),
        ),
        _step(
            "tunnel",
            "Open the tunnel, and the browser [steps 12 and 13]",
            "The tunnel joins a port of your computer to JupyterLab on the machine, through ssh, so"
            " that nobody else can reach it.",
            server_lines.tunnelling(facts),
        ),
    )
    return Section(number=0, title="Open it: notebake open", steps=steps)


def stopping(facts: ServerFacts) -> Section:
    """Return what `notebake stop` does."""
    server = facts.server
    month = facts.offer.usd_per_month_stopped
    costs = "" if month is None else f"Costs {format_monthly(month)} a month while it is stopped."
    step = _step(
        "stop",
        "Stop the machine",
        "Like switching it off: the disks stay, running programs end. By itself it stops"
        f" {describe_ends(server.tags)}.",
        [
            *call(facts, "StopInstances", {"InstanceIds": [server.id]}),
            on_computer(waiting("instance-stopped", server.region, server.id)),
        ],
        costs,
    )
    return Section(number=0, title="Stop it: notebake stop", steps=(step,))


def terminating(facts: ServerFacts) -> Section:
    """Return what `notebake terminate` does."""
    step = _step(
        "terminate",
        "Terminate the machine",
        "It is gone for good, with its disks and all that is on them; the image stays.",
        [
            *call(facts, "TerminateInstances", {"InstanceIds": [facts.server.id]}),
            *call(facts, "DeleteSecurityGroup", {"GroupId": facts.group_id}),
        ],
        "Costs nothing from then on.",
    )
    return Section(number=0, title="Terminate it: notebake terminate", steps=(step,))
