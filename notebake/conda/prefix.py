"""What conda itself keeps of an environment, so that it can go on with one that it has not made.

It goes along to the host and needs the standard library only.
"""

import json
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from notebake.conda.lock import records_of

CONDARC = {
    "channels": ["conda-forge"],
    "default_channels": ["conda-forge"],
    "channel_priority": "strict",
    "auto_update_conda": False,
    "notify_outdated_conda": False,
}
"""The settings of the image's own conda, as far as the machine has none: what `defaults` means, and
that channels are asked in order."""


def write_history(prefix: Path, specs: Iterable[str]) -> None:
    """Write what conda keeps to what was asked for, whenever it changes the environment.

    Its form is conda's own (conda/history.py, History.parse).
    """
    lines = [f"==> {time.strftime('%Y-%m-%d %H:%M:%S')} <==", "# cmd: notebake"]
    for one in sorted(records_of(prefix), key=lambda record: str(record["name"])):
        channel = (one.get("channel") or "").rstrip("/").rpartition("/")[2]
        package = f"{one['name']}-{one['version']}-{one['build']}"
        lines.append(f"+{channel}/{one['subdir']}::{package}")
    lines.append(f"# update specs: {json.dumps(list(specs))}")
    history = prefix / "conda-meta" / "history"
    history.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_condarc(prefix: Path, settings: Mapping[str, Any]) -> None:
    """Write the settings of the image's conda, without what the machine itself says."""
    ours = {key: value for key, value in CONDARC.items() if key not in settings}
    lines = [f"{key}: {json.dumps(value)}" for key, value in ours.items()]
    (prefix / ".condarc").write_text("\n".join(lines) + "\n", encoding="utf-8")
