"""What is done by hand for a server that is there, by command; in brackets the tutorial's steps."""

from notebake.costs.estimate import format_monthly
from notebake.explanation import server_extras, server_lines
from notebake.explanation.call_actions import waiting
from notebake.explanation.document import Section, on_computer, unnumbered_step
from notebake.explanation.server_calls_by_hand import call, letting_in
from notebake.explanation.server_facts import ServerFacts
from notebake.servers.ends import describe_ends


def opening(facts: ServerFacts) -> Section:
    """Return what `notebake open` does."""
    server = facts.server
    log = call(facts, "GetConsoleOutput", {"InstanceId": server.id, "Latest": True})
    steps = (
        unnumbered_step(
            "find",
            "Find it, and its address [steps 6 to 8]",
            "A machine that is stopped is started first; with each start it gets an address.",
            [
                *call(facts, "StartInstances", {"InstanceIds": [server.id]}, "If it is stopped."),
                on_computer(waiting("instance-running", server.region, server.id)),
                *server_lines.finding(facts),
            ],
        ),
        unnumbered_step(
            "let_in",
            "Let your computer in [step 4]",
            f"ssh is allowed from your address only. {facts.allowed}",
            letting_in(facts),
        ),
        unnumbered_step(
            "log_in",
            "Log in [steps 9 and 10]",
            "What you type from then on runs on the machine.",
            [*log, *server_lines.pinning(facts), *server_lines.logging_in(facts)],
        ),
        unnumbered_step(
            "read_token",
            "Get the token of JupyterLab [step 11]",
            "JupyterLab shows notebooks in a browser. Its token is the password of this machine.",
            server_lines.reading_token(facts),
        ),
        unnumbered_step(
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
    step = unnumbered_step(
        "stop",
        "Stop the machine",
        "Like switching it off: the disks stay, running programs end. By itself it stops"
        f" {describe_ends(server.tags, server.started_at)}.",
        [
            *call(facts, "StopInstances", {"InstanceIds": [server.id]}),
            on_computer(waiting("instance-stopped", server.region, server.id)),
        ],
        costs,
    )
    return Section(number=0, title="Stop it: notebake stop", steps=(step,))


def terminating(facts: ServerFacts) -> Section:
    """Return what `notebake terminate` does."""
    step = unnumbered_step(
        "terminate",
        "Terminate the machine",
        "It is gone for good, with its disks and all that is on them; the image stays, and so do"
        " volumes that were attached to it.",
        [
            *server_extras.unscheduling(facts),
            *call(facts, "TerminateInstances", {"InstanceIds": [facts.server.id]}),
            *server_extras.releasing(facts),
            *call(facts, "DeleteSecurityGroup", {"GroupId": facts.group_id}),
        ],
        "Costs nothing from then on, but for volumes that stay.",
    )
    return Section(number=0, title="Terminate it: notebake terminate", steps=(step,))
