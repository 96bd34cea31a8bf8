"""Which of the distribution's packages have an update, asked of the image's own archives."""

from notebake.images.updates.finding import CauseFinding


def check_system_packages(
    packages: bytes | None, sources: bytes | None
) -> tuple[CauseFinding, CauseFinding]:
    """Return the findings for `security` and `system`.

    `packages` and `sources` are the lock files apt-packages.json and apt-sources.json of the run,
    or None where it has none.
    """
    kept = "" if packages and sources else "The run kept no list of its packages and sources."
    reason = kept or "The archives were not asked."
    return (
        CauseFinding(cause="security", state="not checked", reason=reason),
        CauseFinding(cause="system", state="not checked", reason=reason),
    )
