"""What is exhaustive or slow is tried in shares: which, a seed decides that is a new one each day.

`make test` tries the day's share, `make test-all` everything, and whoever names files or folders
all that is in them, but for what is exhaustive. docs/tests.md says why each is drawn, and what else
finds its faults. The seed is printed at the end of a test run;
`NOTEBAKE_TEST_SEED=2026-11-28 make test` tries the share of that day again.
"""

import datetime
import hashlib
import os
from collections.abc import Sequence

SHARES = {
    "contract": 0.12,
    "faults/test_lost_output.py": 0.3,
    "flows": 0.2,
    "kills/test_approvals.py": 0.2,
    "kills/test_true_kills.py": 0.2,
    "notices": 0.2,
    "policy/test_policies.py": 0.35,
    "policy/test_preflight_by_policy.py": 0.2,
    "sandbox/api": 0.2,
    "sandbox/api/test_real_hosts.py": 0.3,
    "sandbox/test_clean.py": 0.2,
    "sandbox/test_conda_host.py": 0.35,
    "sandbox/test_datasets.py": 0.35,
    "sandbox/test_dead_man.py": 0.35,
    "sandbox/test_hardened_host.py": 0.35,
    "sandbox/test_hosts.py": 0.35,
    "sandbox/test_idle_truth.py": 0.2,
    "sandbox/test_lost_lines.py": 0.35,
    "sandbox/test_twists.py": 0.2,
    "shared/test_unit_server.py": 0.2,
    "ssh": 0.2,
    "stories": 0.2,
    "unit/test_commands_conda.py": 0.12,
    "unit/test_loopback.py": 0.2,
    "unit/test_notebook_command.py": 0.2,
    "unit/test_notebook_growth.py": 0.2,
    "unit/test_refusals.py": 0.2,
    "updates": 0.2,
    "updates/test_apt_judges.py": 0.15,
    "updates/test_python_unchanged.py": 0.15,
    "updates/test_system_unchanged.py": 0.15,
}
"""The share of a folder's or a file's tests that a day has. What is named neither here nor below is
tried whole: what takes moments, and of what takes long one bake with all its proofs, and what draws
for itself (the kills, the faults)."""
DRAWN_WHOLE = (
    "faults/test_lost_output.py",
    "kills/test_true_kills.py",
    "policy/test_policies.py",
    "shared/test_unit_server.py",
    "stories",
)
"""Here a file is drawn or none of it: its tests look at the same piece of work."""
ONE_OF = {
    "bake or use of the image": (
        "clients",
        "sandbox/test_bake_conda.py",
        "sandbox/test_bake_disks.py",
        "sandbox/test_bake_installed.py",
        "sandbox/test_bake_of_before.py",
        "sandbox/test_bake_prefect.py",
        "sandbox/test_bake_troubled.py",
        "sandbox/test_idle_stop.py",
        "sandbox/test_idle_truth.py",
        "sandbox/test_server_disks.py",
        "sandbox/test_shared_servers.py",
        "sandbox/test_twist_of_the_day.py",
    ),
    "work on hosts": (
        "sandbox/api/test_real_hosts.py",
        "sandbox/test_clean.py",
        "sandbox/test_conda_host.py",
        "sandbox/test_datasets.py",
        "sandbox/test_dead_man.py",
        "sandbox/test_hardened_host.py",
        "sandbox/test_host_faults.py",
        "sandbox/test_hosts.py",
        "sandbox/test_hosts_like_ubuntu.py",
        "sandbox/test_lost_lines.py",
        "sandbox/test_renewal.py",
        "sandbox/test_twists.py",
    ),
}
"""Real hosts: of each kind of work a day has one, and of that its share, if it has one."""
DAILY = (
    "contract/test_launch_contract.py",
    "contract/test_networks_contract.py",
    "contract/test_run_stores.py",
    "contract/test_secrets.py",
    "contract/test_steps_contract.py",
    "contract/test_sweep.py",
    "ssh/test_hardened_sshd.py",
)
"""What is tried each day although it lies in a place of which a share is drawn: without it a fault
in what must never break could wait for its day (docs/tests.md)."""
SEED = "NOTEBAKE_TEST_SEED"
ALL = "NOTEBAKE_TEST_ALL"


def fix_seed() -> str:
    """Return the seed; this process and its children keep it, also when they run past midnight."""
    return os.environ.setdefault(SEED, f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d}")


def has_everything() -> bool:
    """Tell whether all is tried, whatever the seed."""
    return bool(os.environ.get(ALL))


def is_drawn(name: str, share: float) -> bool:
    """Tell whether one of many is tried, of which a share is (0 to 1).

    That depends on the seed and its name alone: all processes of a test run agree.
    """
    if has_everything():
        return True
    digest = hashlib.sha256(f"{fix_seed()} {name}".encode()).digest()
    return int.from_bytes(digest[:8]) < share * 2**64


def is_todays(path: str, test: str) -> bool:
    """Tell whether a test is one of the day's.

    Args:
        path: Its file, from the folder of the tests on.
        test: Its name, with its parameters.
    """
    if place_of(path, DAILY):
        return True
    for kind, places in ONE_OF.items():
        if (place := place_of(path, places)) and place not in draw_single(kind, places):
            return False
    if not (place := place_of(path, tuple(SHARES))):
        return True
    return is_drawn(path if place in DRAWN_WHOLE else f"{path} {test}", SHARES[place])


def place_of(path: str, places: Sequence[str]) -> str:
    """Return the place that a file lies in, the narrowest of them; "" where it lies in none."""
    around = [place for place in places if path == place or path.startswith(f"{place}/")]
    return max(around, key=len, default="")


def draw_single(kind: str, names: Sequence[str]) -> list[str]:
    """Return the one of these names that is tried; all of them where all is tried."""
    if has_everything():
        return list(names)
    return [
        min(names, key=lambda name: hashlib.sha256(f"{fix_seed()} {kind} {name}".encode()).digest())
    ]


def describe_draw() -> str:
    """Return what was tried, and how to try the same again."""
    if has_everything():
        return "Everything was tried."
    return (
        f"Of what is exhaustive a share was tried, drawn by {SEED}={fix_seed()};"
        " `make test-all` tries everything."
    )
