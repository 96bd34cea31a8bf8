"""User data: the cloud-config that cloud-init applies when a temporary machine boots.

It arms the dead-man switch at every boot, and gives a builder its known host key.
"""

import json
from typing import Any

from notebake.commands.lease_timer import arm_lease

PACKAGE_TIMERS = "apt-daily.timer apt-daily-upgrade.timer"
PACKAGE_UNITS = (
    f"{PACKAGE_TIMERS} apt-daily.service apt-daily-upgrade.service unattended-upgrades.service"
)
"""Units that would hold a builder's package lock for minutes, restart services during the build
(needrestart), or install upgrades while the builder is stopped for its image."""


def user_data(
    *,
    lease_hours: float,
    host_key_private: str | None = None,
    host_key_public: str | None = None,
) -> str:
    """Return the cloud-config of a temporary machine, as JSON, which is a subset of YAML.

    With a host key the machine is a builder; the key is short-lived, as all who can reach the
    metadata service from the machine can read it. Without it, the machine creates its own keys.
    """
    config: dict[str, Any] = {"bootcmd": [["bash", "-c", arm_lease(lease_hours)]]}
    if host_key_private and host_key_public:
        config["bootcmd"].append(["bash", "-c", mask_package_jobs()])
        config["ssh_deletekeys"] = True
        config["ssh_genkeytypes"] = ["ed25519"]
        config["ssh_keys"] = {
            "ed25519_private": host_key_private.strip() + "\n",
            "ed25519_public": host_key_public,
        }
    return "#cloud-config\n" + json.dumps(config, indent=1) + "\n"


def mask_package_jobs() -> str:
    """Return root's commands that disable the daily package jobs for this boot only.

    Masked below /run, the image keeps the base's own policy. An upgrade that is already running is
    not stopped, as that would leave packages half installed: later steps wait for it.
    """
    return (
        f"timeout 30 systemctl --runtime mask {PACKAGE_UNITS};"
        f" timeout 30 systemctl --no-block stop {PACKAGE_TIMERS}; true"
    )
