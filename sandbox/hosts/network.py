"""One bridge for the sandbox; for each machine a network namespace with a cable to it."""

from contextlib import suppress
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.home import Home
from sandbox.hosts import firewall
from sandbox.programs import run_program

NAMESPACES = Path("/run/netns")
HOST_RESOLVERS = (Path("/etc/resolv.conf"), Path("/run/systemd/resolve/resolv.conf"))


def up(home: Home) -> None:
    """Make the bridge with the gateway's address, and the firewall. May be repeated."""
    if not Path(f"/sys/class/net/{home.bridge}").exists():
        _ip("link", "add", home.bridge, "type", "bridge")
    _ip("address", "replace", f"{home.gateway}/24", "dev", home.bridge)
    _ip("link", "set", home.bridge, "up")
    # Machines reach each other through the gateway only; it must not show them a shorter way.
    Path(f"/proc/sys/net/ipv4/conf/{home.bridge}/send_redirects").write_text("0")
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    firewall.up(home)


def down(home: Home) -> None:
    """Remove every namespace and cable of the sandbox, the firewall and the bridge. Repeatable."""
    for name in namespaces(home):
        with suppress(SandboxError):
            _ip("netns", "delete", name)
    for link in cables(home):
        with suppress(SandboxError):
            _ip("link", "delete", link)
    if firewall.is_up(home):
        firewall.down(home)
    if Path(f"/sys/class/net/{home.bridge}").exists():
        _ip("link", "delete", home.bridge)


def connect(home: Home, machine_id: str, address: str) -> Path:
    """Return the machine's network namespace, made and connected if need be."""
    name, cable = namespace_of(home, machine_id), cable_of(home, address)
    path = NAMESPACES / name
    if path.exists():
        return path
    _ip("netns", "add", name)
    # A MAC that changed between two boots would cost half a minute of stale ARP entries.
    mac = "02:6e:" + ":".join(f"{int(part):02x}" for part in address.split("."))
    near_end = f"""
        link add {cable} type veth peer name eth0 address {mac} netns {name}
        link set {cable} master {home.bridge} up
        link set {cable} type bridge_slave isolated on
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
    if address and cable_of(home, address) in cables(home):
        with suppress(SandboxError):  # the kernel removes it with the namespace, a little later
            _ip("link", "delete", cable_of(home, address))


def reset_connections(home: Home, machine_id: str, port: int) -> int:
    """Reset what is connected to a port of the machine, for both ends, and return how many were."""
    inside = ("ip", "netns", "exec", namespace_of(home, machine_id), "ss")
    those = ("--no-header", "--tcp", "--numeric", "state", "established", f"sport = :{port}")
    connected = run_program(*inside, *those).splitlines()
    run_program(*inside, "--kill", *those)
    if left := set(run_program(*inside, *those).splitlines()) & set(connected):
        raise SandboxError(f"This kernel resets no connections (INET_DIAG_DESTROY): {left}")
    return len(connected)


def resolver_text() -> str:
    """Return a resolv.conf that works inside: a resolver on the loopback would not."""
    texts = [path.read_text() for path in HOST_RESOLVERS if path.exists()]
    return next((text for text in texts if "nameserver 127." not in text), "")


def namespace_of(home: Home, machine_id: str) -> str:
    """Return the name of the machine's network namespace."""
    return f"{home.name}-{machine_id}"


def namespaces(home: Home) -> list[str]:
    """Return the sandbox's network namespaces that exist."""
    return sorted(path.name for path in NAMESPACES.glob(f"{home.name}-*"))


def cable_of(home: Home, address: str) -> str:
    """Return the name of the near end of the cable to this address."""
    return f"{home.name}h{address.rpartition('.')[2]}"


def cables(home: Home) -> list[str]:
    """Return the near ends of the sandbox's cables that exist."""
    return sorted(path.name for path in Path("/sys/class/net").glob(f"{home.name}h*"))


def _ip(*words: str) -> None:
    run_program("ip", *words)
