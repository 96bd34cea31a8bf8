"""The home of a sandbox: the directory of its files, and the number of its network and ports.

The number names the sandbox's bridge, subnet, namespaces and ports, so that several sandboxes can
run side by side. The default home always has number 0; other homes take the first free number.
"""

import os
from dataclasses import dataclass
from pathlib import Path

from sandbox.errors import SandboxError
from sandbox.files import locked, write_json

DEFAULT_PATH = Path("/var/lib/notebake-sandbox")
CLAIMS = Path("/run/notebake-sandbox/numbers")
IMDS_PORT = 8169
"""Port on the gateway address to which 169.254.169.254:80 is redirected."""
GIT_PORT = 9418
FIRST_API_PORT = 4566
LAST_NUMBER = 254


@dataclass(frozen=True)
class Home:
    """The paths, addresses and names of a sandbox."""

    path: Path
    number: int

    @property
    def name(self) -> str:
        """Prefix of the names of this sandbox's kernel objects."""
        return f"nbs{self.number}"

    @property
    def bridge(self) -> str:
        return self.name

    @property
    def subnet(self) -> str:
        return f"10.213.{self.number}.0/24"

    @property
    def public_subnet(self) -> str:
        """The addresses that stand for public ones, behind which machines have their own."""
        return f"10.214.{self.number}.0/24"

    @property
    def gateway(self) -> str:
        return self.address(1)

    @property
    def api_port(self) -> int:
        return FIRST_API_PORT + self.number

    @property
    def api_url(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def git_url(self) -> str:
        return f"git://{self.gateway}"

    @property
    def git_path(self) -> Path:
        return self.path / "git"

    @property
    def machines_path(self) -> Path:
        return self.path / "machines"

    @property
    def log_path(self) -> Path:
        return self.path / "server.log"

    @property
    def pid_path(self) -> Path:
        return self.path / "server.pid"

    @property
    def endpoints_path(self) -> Path:
        return self.path / "endpoints.json"

    def address(self, last: int) -> str:
        """Return the address in the subnet that ends in this number."""
        return f"10.213.{self.number}.{last}"

    def endpoints(self) -> dict[str, str]:
        """Return the addresses at which a sandbox in this home answers."""
        return {
            "api": self.api_url,
            "imds": f"http://{self.gateway}:{IMDS_PORT}",
            "git": self.git_url,
            "gateway": self.gateway,
            "subnet": self.subnet,
            "public_subnet": self.public_subnet,
        }


def choose_path(path: Path | str | None = None) -> Path:
    """Return this path, or else that of NOTEBAKE_SANDBOX_HOME, or else the default."""
    return Path(path or os.environ.get("NOTEBAKE_SANDBOX_HOME") or DEFAULT_PATH).absolute()


def open_home(path: Path | str | None = None) -> Home:
    """Return the home at the chosen path, creating it if necessary."""
    place = choose_path(path)
    try:
        place.mkdir(parents=True, exist_ok=True)
        place.chmod(0o755)
        with locked(CLAIMS.parent / "lock"):
            number = _claim_number(place)
    except PermissionError as error:
        raise SandboxError(f"The sandbox at {place} needs root: {error}") from error
    home = Home(place, number)
    for folder in ("machines", "layers", "images", "volumes", "snapshots", "git"):
        (place / folder).mkdir(exist_ok=True)
    write_json(home.endpoints_path, home.endpoints())
    return home


def find_home(path: Path | str | None = None) -> Home | None:
    """Return the home if it exists already. Changes nothing."""
    place = choose_path(path)
    recorded = place / "number"
    return Home(place, int(recorded.read_text())) if recorded.exists() else None


def release_number(home: Home) -> None:
    """Release the number. The home gets another when it is opened."""
    with locked(CLAIMS.parent / "lock"):
        if _holder(home.number) == home.path:
            (CLAIMS / str(home.number)).unlink()
    (home.path / "number").unlink(missing_ok=True)


def _claim_number(place: Path) -> int:
    recorded = place / "number"
    last = int(recorded.read_text()) if recorded.exists() else None
    for number in _candidates(place, last):
        holder = _holder(number)
        if holder in (None, place) or (number == last and holder == _bridge(number)):
            CLAIMS.mkdir(parents=True, exist_ok=True)
            (CLAIMS / str(number)).write_text(f"{place}\n")
            recorded.write_text(f"{number}\n")
            return number
    if place == DEFAULT_PATH:
        raise SandboxError(f"Number 0 belongs to {_holder(0)}: take that sandbox down first")
    raise SandboxError(f"All {LAST_NUMBER} numbers are taken; see {CLAIMS}")


def _candidates(place: Path, last: int | None) -> list[int]:
    if place == DEFAULT_PATH:
        return [0]
    free = [number for number in range(1, LAST_NUMBER + 1) if number != last]
    return free if last is None else [last, *free]


def _holder(number: int) -> Path | None:
    """Return the home that holds the number, or a bridge that has it without a claim."""
    claim, bridge = CLAIMS / str(number), _bridge(number)
    home = Path(claim.read_text().strip()) if claim.exists() else bridge
    # A home that was deleted while its machines run still needs its number.
    return home if home.exists() or bridge.exists() else None


def _bridge(number: int) -> Path:
    return Path(f"/sys/class/net/nbs{number}")
