"""The sandbox's bridge, and for each machine a network namespace with a veth pair to it."""

import ipaddress
from contextlib import suppress
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.home import Home
from sandbox.hosts import firewall
from sandbox.hosts.addresses import mac_address
from sandbox.programs import run_program

NAMESPACES = Path("/run/netns")
HOST_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def up(home: Home) -> None:
    """Create the bridge with the gateway's address, and the firewall. May be repeated."""
    if not Path(f"/sys/class/net/{home.bridge}").exists():
        _ip("link", "add", home.bridge, "type", "bridge")
    _ip("address", "replace", f"{home.gateway}/24", "dev", home.bridge)
    _ip("link", "set", home.bridge, "up")
    # Nobody has these addresses: the firewall sends their packets to machines.
    _ip("route", "replace", home.public_subnet, "dev", home.bridge, "src", home.gateway)
    # Machines reach each other through the gateway only, which must not offer them another route.
    Path(f"/proc/sys/net/ipv4/conf/{home.bridge}/send_redirects").write_text("0")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    firewall.up(home)


def down(home: Home) -> None:
    """Remove the sandbox's namespaces, veths, firewall and bridge. May be repeated."""
    for name in namespaces(home):
        with suppress(SandboxError):
            _ip("netns", "delete", name)
    for link in veths(home):
        with suppress(SandboxError):
            _ip("link", "delete", link)
    if firewall.is_up(home):
        firewall.down(home)
    if Path(f"/sys/class/net/{home.bridge}").exists():
        _ip("link", "delete", home.bridge)


def connect(home: Home, machine_id: str, address: str) -> Path:
    """Return the machine's network namespace, created and connected if necessary."""
    name, veth = namespace_of(home, machine_id), veth_of(home, address)
    path = NAMESPACES / name
    if path.exists():
        return path
    _ip("netns", "add", name)
    near_end = f"""
        link add {veth} type veth peer name eth0 address {mac_address(address)} netns {name}
        link set {veth} master {home.bridge} up
        link set {veth} type bridge_slave isolated on
    """
    far_end = f"""
        link set lo up
        address add {address}/32 dev eth0
        link set eth0 up
        route add default via {home.gateway} dev eth0 onlink
    """
    run_program("ip", "-batch", "-", stdin=near_end)
    run_program("ip", "-n", name, "-batch", "-", stdin=far_end)
    return path


def disconnect(home: Home, machine_id: str, address: str | None) -> None:
    """Undo `connect`. May be repeated."""
    if (NAMESPACES / namespace_of(home, machine_id)).exists():
        _ip("netns", "delete", namespace_of(home, machine_id))
    if address and veth_of(home, address) in veths(home):
        with suppress(SandboxError):  # the kernel removes it with the namespace, a little later
            _ip("link", "delete", veth_of(home, address))


def reset_connections(home: Home, machine_id: str, port: int) -> int:
    """Reset both ends of the connections to a port of the machine, and return how many."""
    inside = ("ip", "netns", "exec", namespace_of(home, machine_id), "ss")
    connections = ("--no-header", "--tcp", "--numeric", "state", "established", f"sport = :{port}")
    connected = run_program(*inside, *connections).splitlines()
    run_program(*inside, "--kill", *connections)
    if left := set(run_program(*inside, *connections).splitlines()) & set(connected):
        raise SandboxError(f"This kernel cannot reset connections (INET_DIAG_DESTROY): {left}")
    return len(connected)


def resolver_text() -> str:
    """Return a resolv.conf that works on machines; empty if this machine has no such resolver."""
    for lines in _resolver_files():
        kept = [line for line in lines if not _is_resolver(line) or _is_reachable(line)]
        if any(_is_resolver(line) for line in kept):
            return "".join(f"{line}\n" for line in kept)
    return ""


def unreachable_resolvers() -> list[str]:
    """Return the addresses of this machine's resolvers if machines can reach none of them."""
    if resolver_text():
        return []
    lines = [line for lines in _resolver_files() for line in lines if _is_resolver(line)]
    return sorted({line.split()[1] for line in lines})


def _resolver_files() -> list[list[str]]:
    return [path.read_text().splitlines() for path in HOST_RESOLVERS if path.exists()]


def _is_resolver(line: str) -> bool:
    return line.split()[:1] == ["nameserver"] and len(line.split()) > 1


def _is_reachable(line: str) -> bool:
    """Return whether machines, which have only IPv4, can reach the resolver of this line.

    On 127.0.0.0/8, ::1 and 0.0.0.0 the resolver listens for this machine alone.
    """
    try:
        address = ipaddress.IPv4Address(line.split()[1])
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified)


def namespace_of(home: Home, machine_id: str) -> str:
    """Return the name of the machine's network namespace."""
    return f"{home.name}-{machine_id}"


def namespaces(home: Home) -> list[str]:
    """Return the names of the sandbox's network namespaces that exist."""
    return sorted(path.name for path in NAMESPACES.glob(f"{home.name}-*"))


def veth_of(home: Home, address: str) -> str:
    """Return the name of the bridge's end of the veth pair to this address."""
    return f"{home.name}h{address.rpartition('.')[2]}"


def veths(home: Home) -> list[str]:
    """Return the names of the bridge's ends that exist."""
    return sorted(path.name for path in Path("/sys/class/net").glob(f"{home.name}h*"))


def _ip(*words: str) -> None:
    run_program("ip", *words)
