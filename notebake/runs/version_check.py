"""Verifies the versions that the store of a record keeps."""

from itertools import chain

from notebake.errors import VersionsDeniedError
from notebake.ledger.entry import CHECKPOINTS, SEALS
from notebake.ledger.verify_versions import VersionReport, verify_versions
from notebake.runs.people import KEY as PEOPLE
from notebake.runs.run_record import record_place
from notebake.store.versions import Versioning


def check_versions(location: str, run: str = "") -> VersionReport:
    """Return what the versions of the record show, or of one run and of the checkpoints.

    Raises:
        RunStoreError: the store failed, so nothing can be said.
    """
    place = record_place(location)
    folders = (f"{run}/", f"{SEALS}/{run}/", f"{CHECKPOINTS}/") if run else ("",)
    versioning = place.store.versioning()
    groups = chain.from_iterable(place.store.versions(place.prefix + name) for name in folders)
    try:
        return verify_versions(groups, versioning, place.prefix, PEOPLE)
    except VersionsDeniedError:
        return VersionReport(versioning=Versioning.DENIED)
