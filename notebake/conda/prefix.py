"""The files of a conda environment that conda itself would write, and the variables it sets.

With them conda can manage an environment that it did not create. Runs on the host with the standard
library only.
"""

import json
import os
import subprocess
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from notebake.conda.lock import read_records

CONDARC = {
    "channels": ["conda-forge"],
    "default_channels": ["conda-forge"],
    "channel_priority": "strict",
    "auto_update_conda": False,
    "notify_outdated_conda": False,
}
"""Settings of the image's own conda where the machine has none: what `defaults` means, and that
channels have strict priority."""


def write_history(prefix: Path, specs: Iterable[str]) -> None:
    """Write the history from which conda knows the specifications when it changes the environment.

    The format is conda's own (conda/history.py, History.parse).
    """
    lines = [f"==> {time.strftime('%Y-%m-%d %H:%M:%S')} <==", "# cmd: notebake"]
    for record in sorted(read_records(prefix), key=lambda record: str(record["name"])):
        channel = (record.get("channel") or "").rstrip("/").rpartition("/")[2]
        package = f"{record['name']}-{record['version']}-{record['build']}"
        lines.append(f"+{channel}/{record['subdir']}::{package}")
    lines.append(f"# update specs: {json.dumps(list(specs))}")
    history = prefix / "conda-meta" / "history"
    history.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_condarc(prefix: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings of the image's conda, except those that the machine sets itself."""
    ours = {key: value for key, value in CONDARC.items() if key not in settings}
    lines = [f"{key}: {json.dumps(value)}" for key, value in ours.items()]
    (prefix / ".condarc").write_text("\n".join(lines) + "\n", encoding="utf-8")


ACTIVATE = """\
for script in "$CONDA_PREFIX"/etc/conda/activate.d/*.sh; do
    [ ! -r "$script" ] || . "$script"
done > /dev/null 2>&1 < /dev/null
exec env --null
"""
NOT_KEPT = {"_", "PWD", "OLDPWD", "SHLVL", "HOME", "PATH"}
TIMEOUT_SECONDS = 60


def write_variables(prefix: Path, variables: Mapping[str, str]) -> None:
    """Write an environment's own variables where conda's activation finds them.

    conda stores their names in capitals (conda/core/prefix_data.py, set_environment_env_vars).
    """
    if variables:
        state = {"env_vars": {name.upper(): str(variables[name]) for name in variables}}
        (prefix / "conda-meta" / "state").write_text(json.dumps(state), encoding="utf-8")


def activation_variables(prefix: Path) -> dict[str, str]:
    """Return the variables that activating the environment sets."""
    before = {
        "HOME": os.environ.get("HOME", "/"),
        "PATH": f"{prefix}/bin:/usr/local/bin:/usr/bin:/bin",
        "CONDA_PREFIX": str(prefix),
        "CONDA_DEFAULT_ENV": str(prefix),
        "CONDA_SHLVL": "1",
    }
    state = prefix / "conda-meta" / "state"
    if state.exists():
        before |= json.loads(state.read_text(encoding="utf-8"))["env_vars"]
    printed = subprocess.run(
        ["bash", "--noprofile", "--norc", "-c", ACTIVATE],
        env=before,
        capture_output=True,
        check=True,
        timeout=TIMEOUT_SECONDS,
        cwd=prefix,
    ).stdout
    lines = printed.decode(errors="replace").split("\0")
    pairs = (line.partition("=") for line in lines if line)
    return {name: value for name, _, value in pairs if name not in NOT_KEPT}


def activate_kernels(prefix: Path) -> None:
    """Set the environment's activation variables in its kernelspecs, as kernels start unactivated.

    A kernelspec's own variables take precedence.
    """
    variables = activation_variables(prefix)
    for file in prefix.glob("share/jupyter/kernels/*/kernel.json"):
        kernel = json.loads(file.read_text(encoding="utf-8"))
        kernel["env"] = {**variables, **kernel.get("env", {})}
        # A new file, as this may be a hard link into the package cache or another environment.
        new = file.with_name("kernel.json.new")
        new.write_text(json.dumps(kernel, indent=1) + "\n", encoding="utf-8")
        new.replace(file)
