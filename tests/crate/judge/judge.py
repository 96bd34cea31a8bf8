"""Validates crates without a network, in the environment of `make crate-judge`.

python judge.py REPORT CRATE…    writes {CRATE: {profile, checks, skipped, issues}} as JSON

The validator reads the JSON-LD context of RO-Crate 1.1 over HTTP. Here it finds it in its cache, in
which this program puts the copy that rocrate 0.14 ships. Nothing else can be read: a check that
lacks what it has asked for is left out, and listed under `skipped`.
"""

import io
import json
import sys
import tempfile
from importlib.resources import files
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from requests_cache import CachedSession
from rocrate_validator import services
from rocrate_validator.models import Severity, ValidationSettings
from urllib3 import HTTPResponse

PROFILE = "provenance-run-crate-0.5"
CONTEXT = "https://w3id.org/ro/crate/1.1/context"
SEVERITY = Severity.REQUIRED


class Shelf(HTTPAdapter):
    """Answers with the copies that are here."""

    def send(self, request: requests.PreparedRequest, *_: Any, **__: Any) -> requests.Response:
        """Return the copy; raise if there is none."""
        if request.url != CONTEXT:
            raise LookupError(f"There is no copy of {request.url} here.")
        answer = HTTPResponse(
            body=io.BytesIO((files("rocrate") / "data/ro-crate.jsonld").read_bytes()),
            headers={"Content-Type": "application/ld+json"},
            status=200,
            preload_content=False,
            request_url=CONTEXT,
        )
        return self.build_response(request, answer)


def fill_cache(cache: Path) -> None:
    """Put the copies into the HTTP cache of the validator."""
    with CachedSession(cache_name=str(cache), backend="sqlite", expire_after=-1) as session:
        session.mount("https://", Shelf())
        session.get(CONTEXT)


def judge(crate: str, cache: Path) -> dict[str, Any]:
    """Return what the validator says of one crate: a directory or a zip file."""
    result = services.validate(
        ValidationSettings(
            rocrate_uri=crate,
            profile_identifier=PROFILE,
            requirement_severity=SEVERITY,
            offline=True,
            cache_path=cache,
        )
    )
    return {
        "profile": result.context.profile_identifier,
        "checks": len(result.executed_checks),
        "skipped": [f"{each.check.name}: {each.message}" for each in result.skipped_check_details],
        "issues": [f"{each.violatingEntity}: {each.message}" for each in result.get_issues()],
    }


def main() -> None:
    """Judge all crates. The validator itself prints, so the verdicts go into a file."""
    report, *crates = sys.argv[1:]
    with tempfile.TemporaryDirectory() as folder:
        cache = Path(folder) / "http"
        fill_cache(cache)
        verdicts = {crate: judge(crate, cache) for crate in crates}
    Path(report).write_text(json.dumps(verdicts, indent=1) + "\n")


if __name__ == "__main__":
    main()
