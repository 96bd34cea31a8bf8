"""Tells a web page of a git repository, as a browser shows its address, from the repository's."""

import re

REF = r"/(?P<ref>[^/]+)(?:/.*)?"
OF_ANY_HOST = (
    # GitLab sets all its pages apart by /-/; Gitea and Forgejo say what kind of ref it is.
    re.compile(rf"(?P<folder>/.+?)/-(?:/(?:tree|blob|raw|commits?|tags){REF}|/.*)?"),
    re.compile(rf"(?P<folder>/[^/]+/[^/]+)/(?:src|raw|commits)/(?:branch|tag|commit){REF}"),
)
OF_HOST = (
    (
        re.compile(r"https?://(?:www\.)?github\.com", re.IGNORECASE),
        re.compile(
            r"(?P<folder>/[^/]+/[^/]+)"
            rf"/(?:(?:tree|blob|raw|blame|commits?|releases/tag){REF}|.*[^/].*)"
        ),
    ),
    (
        re.compile(r"https?://(?:www\.)?bitbucket\.org", re.IGNORECASE),
        re.compile(rf"(?P<folder>/[^/]+/[^/]+)/(?:(?:src|raw|commits){REF}|.*[^/].*)"),
    ),
)


def find_page_fault(url: str) -> str | None:
    """Return what to write in place of a page's address, or None for a repository's."""
    parts = re.fullmatch(r"(?P<host>https?://[^/]+)(?P<path>/[^?#]*)(?P<more>.*)", url)
    if not parts:
        return None
    host, path, more = parts.groups()
    known = [pattern for of, pattern in OF_HOST if of.fullmatch(host)]
    found = next(
        (match for each in (*OF_ANY_HOST, *known) if (match := each.fullmatch(path))), None
    )
    if not found and not (more and known):
        return None
    folder = found["folder"] if found else path.rstrip("/")
    ref = f" and ref: {found['ref']}" if found and found["ref"] else ""
    return f"is a page of the repository; write url: {host}{folder}{ref}"
