"""The files that conda keeps about an environment, so that conda can manage one it did not create.

Runs on the host with the standard library only.
"""

import json
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
