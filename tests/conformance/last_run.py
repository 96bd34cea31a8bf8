"""What is known of the suite's last run on AWS: one line, in one place."""

import datetime
import subprocess
from collections.abc import Mapping
from pathlib import Path

FOLDER = Path(__file__).parent
RECORD = FOLDER / "last_run_on_aws.txt"
NEVER = "never"


def read_record() -> str:
    """Return the line: `never`, or when, where, on what and how it went."""
    return RECORD.read_text(encoding="utf-8").strip()


def describe_run(
    *, account_id: str, region: str, counts: Mapping[str, int], when: datetime.datetime
) -> str:
    """Return the line of a run that has ended; of the account only the end is told."""
    text = ", ".join(
        f"{counts.get(outcome, 0)} {outcome}" for outcome in ("passed", "failed", "skipped")
    )
    account = f"account {'*' * 8}{account_id[-4:]}"
    return f"{when:%Y-%m-%d}, {account}, {region}, commit {commit()}: {text}"


def commit() -> str:
    """Return the commit that was run, and whether files differed from it."""
    words = ["git", "describe", "--always", "--dirty", "--abbrev=12"]
    done = subprocess.run(words, cwd=FOLDER, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "unknown"


def is_aws(endpoint_url: str) -> bool:
    """Tell whether an address is AWS's own, and no sandbox's."""
    host = endpoint_url.split("//")[-1].split("/")[0].split(":")[0]
    return host.endswith((".amazonaws.com", ".amazonaws.com.cn", ".api.aws"))


def write_record(line: str, path: Path = RECORD) -> None:
    """Let the record say this from now on."""
    path.write_text(f"{line}\n", encoding="utf-8")
