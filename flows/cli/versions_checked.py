"""What `history verify` says of the versions in the store of a record."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from notebake.ledger.verify_versions import VersionReport

WHAT_FOR = (
    "A chain that somebody wrote anew over the old one may fit together; only the versions that the"
    " bucket keeps show it."
)
NOT_CHECKED = {
    "off": (
        "Not checked: whether anything was replaced or deleted, as the bucket keeps no versions."
        f" {WHAT_FOR} To keep them from now on:  aws s3api put-bucket-versioning --bucket BUCKET"
        " --versioning-configuration Status=Enabled"
    ),
    "suspended": (
        "Not checked: what was replaced or deleted while the versioning of the bucket was"
        f" suspended, as it is now. {WHAT_FOR} To go on:  aws s3api put-bucket-versioning --bucket"
        " BUCKET --versioning-configuration Status=Enabled"
    ),
    "denied": (
        "Not checked: whether anything was replaced or deleted, as these credentials may not read"
        f" the versions of the bucket. {WHAT_FOR} That takes s3:GetBucketVersioning and"
        " s3:ListBucketVersions: `ReadVersions` in deployments/policy-s3-store.json."
    ),
}
UNVERSIONED = (
    "Not checked: whether {count} of the objects replaced others, as these were written while the"
    " bucket kept no versions."
)


def not_checked_of(report: "VersionReport") -> list[str]:
    """Return sentences about what the versions could not show, and why."""
    if text := NOT_CHECKED.get(report.versioning):
        return [text]
    return [UNVERSIONED.format(count=report.unversioned)] if report.unversioned else []
