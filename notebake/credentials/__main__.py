"""Scans this machine for credentials: the program that runs on a host."""

import argparse
import gc
import json
import os
import sys
from pathlib import Path

from notebake.credentials.report import AllowEntry, format_findings, is_clean
from notebake.credentials.scan import ScanOptions, scan, scan_before_cleaning


def main(arguments: list[str] | None = None) -> int:
    """Scan this machine. Exit code 0: clean, 1: credentials found, 2 or more: the scan failed."""
    parser = argparse.ArgumentParser(description="Find credentials on a machine's disks.")
    parser.add_argument("--root", default="/", help="where the root file system is mounted")
    parser.add_argument("--mount-point", action="append", default=[], help="a volume to scan too")
    parser.add_argument("--expect-login", metavar="HOME", help="home whose authorized key may stay")
    parser.add_argument(
        "--before-cleaning", action="store_true", help="scan for what the cleaning would remove"
    )
    parser.add_argument("--engine", type=Path, required=True, help="the engine's program")
    parser.add_argument(
        "--allow", nargs=2, action="append", default=[], metavar=("PATH", "RULE"),
        help="allow the findings of a rule in a file",
    )  # fmt: skip
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--json", action="store_true", help="print the report as one line of JSON")
    given = parser.parse_args(arguments)
    gc.disable()
    allowed = tuple(AllowEntry(*entry) for entry in given.allow)
    options = ScanOptions(given.engine, given.expect_login, allowed, given.processes)
    scan_with = scan_before_cleaning if given.before_cleaning else scan
    report = scan_with(given.root, given.mount_point, options)
    summary = f"{report['files']} files, {report['bytes']} bytes, {report['seconds']} s"
    text = json.dumps(report) if given.json else f"{format_findings(report)}\n{summary}".strip()
    sys.stdout.write(f"{text}\n")
    return 0 if is_clean(report) else 1


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Exception as error:  # noqa: BLE001 - exit code 1 would mean "credentials found"
        sys.stderr.write(f"The credential scan failed: {type(error).__name__}: {error}\n")
        sys.exit(3)
