"""python -m sandbox: a small cloud on this machine."""

import argparse
import os
import re
import shutil
import signal
import sys
from pathlib import Path
from typing import TextIO

from sandbox.control import lifecycle, prerequisites
from sandbox.control.server_process import ServerOptions
from sandbox.ec2.state.latency import LATENCIES
from sandbox.errors import SandboxError
from sandbox.faults.fault import read_fault_file
from sandbox.home import DEFAULT_PATH, Home, choose_path, find_home, open_home
from sandbox.hosts import base_system
from sandbox.programs import COMMAND
from sandbox.services import git_server
from sandbox.twists.table import TWISTS

KEPT_BY_SUDO = (
    "NOTEBAKE_SANDBOX_HOME",
    "NOTEBAKE_SANDBOX_CACHE",
    "PYTHONPATH",
    "PYTHONPYCACHEPREFIX",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
REGION = "us-west-2"


def main(words: list[str]) -> int:
    """Run a command and return its exit code."""
    os.umask(0o022)  # other users, also those of the machines, read what root writes
    chosen = _parse(words)
    try:
        return int(COMMANDS[chosen.command](chosen))
    except SandboxError as error:
        _say(str(error), sys.stderr)
        return 1
    except KeyboardInterrupt:
        _say("Interrupted", sys.stderr)
        return 130


def _parse(words: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog=COMMAND, description=__doc__)
    parser.add_argument("--home", help=f"the sandbox's directory (default: {DEFAULT_PATH})")
    commands = parser.add_subparsers(dest="command", required=True)
    up = commands.add_parser("up", help=(_up.__doc__ or "").splitlines()[0])
    up.add_argument("--fresh", action="store_true", help="remove what was kept, unless it is up")
    up.add_argument("--latency", choices=[*LATENCIES], help="how long EC2 takes (default: quick)")
    up.add_argument("--seed", type=int, help="what these times are drawn by (default: 0)")
    up.add_argument("--faults", type=Path, help="a file of faults: see sandbox/faults/README.md")
    for name in ("status", "needs", "install", "base", "twists"):
        commands.add_parser(name, help=(COMMANDS[name].__doc__ or "").splitlines()[0])
    env = commands.add_parser("env", help=(_env.__doc__ or "").splitlines()[0])
    env.add_argument("--account", type=_account, help="those of another account: twelve digits")
    down = commands.add_parser("down", help=(_down.__doc__ or "").splitlines()[0])
    down.add_argument("--purge", action="store_true", help="remove images and snapshots too")
    serve = commands.add_parser("serve", help=(_serve.__doc__ or "").splitlines()[0])
    serve.add_argument("name")
    serve.add_argument("path", type=Path)
    return parser.parse_args(words)


def _up(chosen: argparse.Namespace) -> int:
    """Start the sandbox, building the base system the first time."""
    if chosen.faults:
        read_fault_file(chosen.faults)
    _become_root()
    options = ServerOptions(chosen.latency, chosen.faults, chosen.seed)
    lifecycle.bring_up(open_home(chosen.home), _say, options, fresh=chosen.fresh)
    return 0


def _down(chosen: argparse.Namespace) -> int:
    """Stop the sandbox and release all that it uses of this machine; images stay."""
    _become_root()
    home = find_home(chosen.home)
    if not home:
        _say("There is no sandbox")
        return 0
    left = lifecycle.bring_down(home, purge=chosen.purge)
    for line in left:
        _say(f"could not be cleared: {line}", sys.stderr)
    if not left:
        _say("The sandbox is down; nothing is left of it")
    return 1 if left else 0


def _status(chosen: argparse.Namespace) -> int:
    """Describe the sandbox's state; the exit code is 0 if it is up, otherwise 1."""
    _become_root()
    home = find_home(chosen.home)
    _say("\n".join(lifecycle.describe(home)) if home else "There is no sandbox")
    return 0 if home and lifecycle.is_up(home) else 1


def _needs(chosen: argparse.Namespace) -> int:
    """List what the sandbox needs and this machine lacks."""
    if reasons := prerequisites.find_obstacles(choose_path(chosen.home)):
        raise SandboxError(prerequisites.explain(reasons))
    if packages := prerequisites.missing_packages():
        raise SandboxError(f"Missing: {' '.join(packages)} ({COMMAND} install)")
    _say("The sandbox can run here")
    return 0


def _install(chosen: argparse.Namespace) -> int:
    """Install the packages that the sandbox needs; silent if none is missing."""
    if reasons := prerequisites.find_obstacles(choose_path(chosen.home)):
        raise SandboxError(prerequisites.explain(reasons))
    if prerequisites.missing_packages():
        _become_root()
        prerequisites.install(_say)
    return 0


def _base(_: argparse.Namespace) -> int:
    """Build the base system only."""
    _become_root()
    _say(str(base_system.make_base(_say)))
    return 0


def _twists(_: argparse.Namespace) -> int:
    """List the base images with a twist, with their SSM parameters."""
    for twist in TWISTS:
        _say(f"{twist.parameter:30} {twist.description}")
    return 0


def _serve(chosen: argparse.Namespace) -> int:
    """Serve a repository or a directory to the machines by git."""
    _become_root()
    _say(git_server.serve(open_home(chosen.home), chosen.name, chosen.path.absolute()))
    return 0


def _env(chosen: argparse.Namespace) -> int:
    """Print the variables that point AWS clients at the sandbox, for eval."""
    home = find_home(chosen.home) or Home(DEFAULT_PATH, 0)
    _say(f"export AWS_ENDPOINT_URL={home.api_url}")
    _say(f"export AWS_ACCESS_KEY_ID={chosen.account or 'sandbox'} AWS_SECRET_ACCESS_KEY=sandbox")
    _say(f"export AWS_DEFAULT_REGION={REGION} AWS_REGION={REGION}")
    _say("unset AWS_PROFILE AWS_SESSION_TOKEN")
    return 0


def _account(text: str) -> str:
    if re.fullmatch(r"\d{12}", text):
        return text
    raise argparse.ArgumentTypeError(f"{text} is no account: twelve digits")


COMMANDS = {
    "up": _up,
    "status": _status,
    "down": _down,
    "needs": _needs,
    "base": _base,
    "install": _install,
    "env": _env,
    "serve": _serve,
    "twists": _twists,
}


def _become_root() -> None:
    """Start again through sudo unless this process is root."""
    if os.geteuid() == 0:
        return
    if not shutil.which("sudo"):
        raise SandboxError("This needs root, and there is no sudo: become root first")
    # Root would leave folders in the project that the user cannot remove.
    os.environ.setdefault("PYTHONPYCACHEPREFIX", str(base_system.cache_path() / "python"))
    again = [sys.executable, *sys.orig_argv[1:]]
    os.execvp("sudo", ["sudo", f"--preserve-env={','.join(KEPT_BY_SUDO)}", *again])  # noqa: S606


def _say(text: str, stream: TextIO | None = None) -> None:
    print(text, file=stream, flush=True)


if __name__ == "__main__":
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # `status | head` ends silently
    os.environ["PATH"] = f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin"
    sys.exit(main(sys.argv[1:]))
