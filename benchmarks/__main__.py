"""python -m benchmarks: measure, and say what was found."""

import argparse
import signal
import sys
from importlib import import_module

from benchmarks.section import Section, as_markdown, as_text
from notebake.local.loopback import bypass_proxy_for_loopback

PARTS = (
    *("starting", "breakdown", "waiting", "growing", "credentials", "record", "shared", "open"),
    "baking",
)


def main() -> int:
    """Measure the parts that were asked for; 130 when interrupted."""
    given = _parse()
    bypass_proxy_for_loopback()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    write = as_markdown if given.markdown else as_text
    try:
        for name in given.part:
            sys.stdout.write(f"{write(_measure(name, given))}\n")
            sys.stdout.flush()
    except RuntimeError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nInterrupted. What was started has been ended.\n")
        return 130
    return 0


def _parse() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("part", nargs="*", help=f"{', '.join(PARTS)} (default: all)")
    parser.add_argument("--pairs", type=int, default=3, help="how often in turns (default: 3)")
    parser.add_argument("--rehearsal", action="store_true", help="time `make rehearsal` as well")
    parser.add_argument(
        "--latency",
        action="append",
        default=[],
        help="of the bakes: quick, aws (default: both; of the breakdown: quick)",
    )
    parser.add_argument(
        "--together", action="store_true", help="bake on all processors, tool and machines"
    )
    parser.add_argument(
        "--stopped", action="store_true", help="of `open`, time that of a stopped server alone"
    )
    parser.add_argument("--markdown", action="store_true", help="print Markdown")
    given = parser.parse_args()
    if unknown := set(given.part).difference(PARTS):
        parser.error(f"there is no part {', '.join(sorted(unknown))}")
    given.part = given.part or list(PARTS)
    return given


def _measure(name: str, given: argparse.Namespace) -> Section:
    """Import a part and run it; each takes its own time to import."""
    taken = {
        "baking": {
            "pairs": given.pairs,
            "latencies": given.latency,
            "together": given.together,
        },
        "starting": {"rehearsal": given.rehearsal},
        "shared": {"rounds": given.pairs},
        "open": {"stopped": given.stopped},
        "breakdown": {
            "latency": (given.latency or ["quick"])[0],
            "together": given.together,
        },
    }
    options = taken.get(name, {})
    section: Section = import_module(f"benchmarks.{name}").measure(**options)
    return section


if __name__ == "__main__":
    sys.exit(main())
