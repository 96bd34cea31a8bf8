"""What free text must not bring into the record, where it could never be taken out again.

Homes of people become `~`, and what looks like a credential becomes `[redacted]`. This is a small
list of unmistakable forms: an entry is written many times a minute, and the search that cleans an
image takes too long for that.
"""

import re
from typing import Any

HOME = re.compile(
    r"(?<![\w./~-])(?:/home|/Users|/export/home)/[^/\s:'\"]+|(?<![\w./~-])/root(?![\w-])"
)
CREDENTIAL = re.compile(
    r"(?P<url>(?<=://)[^\s/@:]+:[^\s/@]+(?=@))"
    r"|(?:AKIA|ASIA)[A-Z0-9]{16}\b"
    r"|\b(?:gh[opusr]_[A-Za-z0-9]{36,}|github_pat_\w{22,}|glpat-[\w-]{20,}|hf_[A-Za-z0-9]{30,})"
    r"|\b(?:sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}|pypi-[\w-]{50,}|npm_[A-Za-z0-9]{36})"
    r"|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?P<named>(?i:\b(?:password|passwd|secret|token|api[_-]?key|aws_secret_access_key)"
    r"\s*[=:]\s*)['\"]?)[^\s'\"]{8,}",
    re.DOTALL,
)
REDACTED = "[redacted]"


def redact(value: Any) -> Any:
    """Return a value with all text in it redacted; redacted text stays as it is."""
    if isinstance(value, str):
        return _redact_text(value)
    if isinstance(value, dict):
        return {key: redact(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [redact(each) for each in value]
    return value


def _redact_text(text: str) -> str:
    """Redact until nothing changes: what stands in place of a credential may uncover a home.

    The summary in a seal is text of entries, redacted again; verification compares the two.
    """
    while (redacted := CREDENTIAL.sub(_without_credential, HOME.sub("~", text))) != text:
        text = redacted
    return text


def _without_credential(found: re.Match[str]) -> str:
    return (found["named"] or "") + REDACTED
