"""What is typed to reach a server: keys, ssh, the token, the tunnel."""

from shlex import quote

from notebake.aws import tags
from notebake.commands.jupyter_units import CONFIG_FILE, TOKEN_FILE
from notebake.explanation.document import Action, in_browser, on_computer, on_machine
from notebake.explanation.login_lines import address_line, port_option
from notebake.explanation.server_facts import ServerFacts
from notebake.servers.ssh_config import alias_of, config_path

USUAL_PORT = 8888
"""JupyterLab's own port, for an image without notebake's service."""
UNKNOWN_PORT = "YOUR-PORT"


def making_key(facts: ServerFacts) -> list[Action]:
    """Return how a key is made, and handed to the machine at its first boot."""
    key = quote(facts.key_path)
    known = " It is there already." if facts.has_key else " It is not on this computer."
    return [
        on_computer(
            f"ssh-keygen -t ed25519 -N '' \\\n    -f {key}\nchmod 400 {key}",
            f"notebake keeps the key of this server in a folder of its own.{known}",
        ),
        on_computer(
            "printf '#cloud-config\\nssh_authorized_keys: [\"%s\"]\\n' \\\n"
            f'    "$(cat {key}.pub)" \\\n    > user-data.txt',
            "What the machine is to do at its first boot: let this key in. AWS can do that, too,"
            " with a key pair (in the console: Create new key pair); notebake makes none, so that"
            " nothing of it is left in the account.",
        ),
    ]


def pinning(facts: ServerFacts) -> list[Action]:
    """Return how the machine's host key is written down."""
    server = facts.server
    if not server.host_key:
        return []
    kind, _, key = server.host_key.partition(" ")
    return [
        on_computer(
            f"echo {server.id} {kind} \\\n    {key} \\\n    > known_hosts",
            "The key by which you recognise the machine, from its log. The tutorial answers a"
            " question of ssh with yes, and so trusts whoever answers; with this file ssh knows.",
        )
    ]


def finding(facts: ServerFacts) -> list[Action]:
    """Return how the server is found by its tags, and its address."""
    server = facts.server
    asking = (
        f"aws ec2 describe-instances --region {server.region} \\\n"
        f"    --filters Name=tag:notebake:server,Values={server.name} \\\n"
        f"        Name=tag:notebake:owner,Values={quote(server.owner)} \\\n"
        "    --query 'Reservations[].Instances[].[InstanceId,PublicIpAddress]'"
    )
    # A stopped machine shows no public address; it gets one again, unless it never has any.
    kind = "private" if _is_running(facts) and not server.public_address else "public"
    is_up = f"At the moment it is {server.address}." if _is_running(facts) else ""
    return [
        on_computer(asking, "Tags are how you find your own among many machines."),
        on_computer(
            address_line(server.id, server.region, kind),
            f"The address changes with each start. {is_up}".strip(),
        ),
    ]


def logging_in(facts: ServerFacts) -> list[Action]:
    """Return how somebody logs in, in the plain way and by notebake's own entry."""
    plain = f"ssh{port_option()} {_options(facts)} \\\n    {_place(facts)}"
    entry = f"ssh -F {quote(str(config_path()))} {alias_of(facts.server)}"
    return [
        on_computer(plain, "Ends with `exit`; the machine runs on."),
        on_computer(entry, "The same by the entry that notebake has written when it was opened."),
    ]


def reading_token(facts: ServerFacts) -> list[Action]:
    """Return how the token of JupyterLab is read, or how JupyterLab is started."""
    reading = on_machine(f"sudo cat {TOKEN_FILE}", note="Copy what it prints.")
    if facts.server.jupyter_port:
        return [reading]
    if _has_service(facts):
        asking = f"sed -n 's/^c\\.ServerApp\\.port = //p' {CONFIG_FILE}"
        note = f"The port of JupyterLab on this machine: {UNKNOWN_PORT} below."
        return [reading, on_machine(asking, note=note)]
    return [
        on_machine(
            f"(jupyter lab --no-browser --port={USUAL_PORT}) &",
            note="This image has no JupyterLab of notebake's. The line prints a token; copy it.",
        )
    ]


def tunnelling(facts: ServerFacts) -> list[Action]:
    """Return the tunnel, and the address for the browser."""
    unknown = UNKNOWN_PORT if _has_service(facts) else USUAL_PORT
    port = facts.server.jupyter_port or unknown
    tunnel = (
        f"ssh -N -f{port_option()} {_options(facts)} \\\n"
        f"    -L localhost:{facts.port}:localhost:{port} \\\n    {_place(facts)}"
    )
    return [
        on_computer(
            tunnel, "It stays in the background until the line is lost; then type it again."
        ),
        in_browser(f"http://localhost:{facts.port}/lab", "Paste the token where it is asked for."),
    ]


def _has_service(facts: ServerFacts) -> bool:
    """Return whether its image is notebake's, which starts JupyterLab by itself.

    At which port is known once `open` has asked the server.
    """
    return bool(facts.server.tags.get(tags.RECIPE))


def _options(facts: ServerFacts) -> str:
    pinned = (
        f" \\\n    -o UserKnownHostsFile=known_hosts \\\n    -o HostKeyAlias={facts.server.id}"
        if facts.server.host_key
        else ""
    )
    return f"-i {quote(facts.key_path)}{pinned}"


def _place(facts: ServerFacts) -> str:
    address = facts.server.address if _is_running(facts) else '"$address"'
    return f"{facts.server.login}@{address}"


def _is_running(facts: ServerFacts) -> bool:
    return facts.server.state == "running" and bool(facts.server.address)
