"""Which version of a package apt would install today, by the rules of apt-pkg/policy.cc.

A version that lies below the installed one is none, unless its priority is 1000 or more.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from debian.debian_support import Version

from notebake.images.updates.archives.index import Available
from notebake.images.updates.archives.preferences import (
    INSTALLED,
    NEVER,
    Pin,
    index_priority,
    site_of,
)
from notebake.images.updates.archives.release import Release

FIELDS = ("suite", "codename", "origin", "label", "version")
SECURITY_LABEL = "Debian-Security"


@dataclass(frozen=True)
class Index:
    """An index, as the preferences see it."""

    suite: str
    """As the source names it."""
    known: Mapping[str, str]
    """Its release's fields, component, architecture and site."""
    priority: int
    is_security: bool


@dataclass(frozen=True)
class Installed:
    """A package of the image."""

    name: str
    version: Version
    architecture: str
    """The native one for a package that fits all."""
    source: str
    is_native: bool
    is_on_hold: bool = False


@dataclass
class Offer:
    """A version of a package, and where it is to be had."""

    version: Version
    source: str
    indexes: list[Index] = field(default_factory=list)
    phased_percentage: int | None = None


@dataclass(frozen=True)
class Update:
    """An installed package with the version that apt would install instead."""

    package: Installed
    offer: Offer
    is_security: bool

    @property
    def detail(self) -> str:
        """The suites that have it, and how many machines may."""
        suites = ", ".join(dict.fromkeys(index.suite for index in self.offer.indexes))
        share = self.offer.phased_percentage
        return suites if share is None else f"{suites}, phased to {share} %"


def describe_index(
    release: Release, suite: str, component: str, architecture: str, pins: Sequence[Pin]
) -> Index:
    """Return an index of a release; `suite` is how the source names that."""
    known = {name: release.fields.get(name, "").strip() for name in FIELDS}
    known |= {"component": component, "architecture": architecture, "site": site_of(release.base)}
    priority = index_priority(
        known,
        pins,
        automatic=not release.says("notautomatic"),
        upgrades=release.says("butautomaticupgrades"),
    )
    return Index(suite, known, priority, is_security_suite(suite, known))


def is_security_suite(suite: str, known: Mapping[str, str]) -> bool:
    """Return whether an index is of a suite for security, by its names or Debian's label."""
    names = (suite, known["suite"], known["codename"])
    return known["label"] == SECURITY_LABEL or any(name.endswith("-security") for name in names)


def collect_offers(found: Iterable[tuple[Index, Available]]) -> list[Offer]:
    """Return each version of one package once, the highest first."""
    offers: dict[Version, Offer] = {}
    for index, available in found:
        offer = offers.setdefault(available.version, Offer(available.version, available.source))
        offer.indexes.append(index)
        if available.phased_percentage is not None:
            offer.phased_percentage = available.phased_percentage
    return sorted(offers.values(), key=lambda offer: offer.version, reverse=True)


def find_update(package: Installed, offers: Sequence[Offer], pins: Sequence[Pin]) -> Update | None:
    """Return what apt would install instead of a package, or None; `offers` are as collected."""
    if package.is_on_hold:
        return None
    of_packages = [pin for pin in pins if pin.package != "*"]
    best, best_priority = None, 0
    for version, offer in in_order(package, offers):
        own = [pin for pin in of_packages if is_for(pin, package, offer)]
        priority = version_priority(version, offer, own, is_installed=version == package.version)
        if priority <= max(best_priority, 0) or (version < package.version and priority < 1000):
            continue
        best, best_priority = offer, priority
    if best is None or best.version <= package.version:
        return None
    between = [each for each in offers if package.version < each.version <= best.version]
    is_security = any(index.is_security for each in between for index in each.indexes)
    return Update(package, best, is_security)


def is_for(pin: Pin, package: Installed, offer: Offer) -> bool:
    """Return whether a pin is for a package, by its name or the source of the offered version."""
    return pin.fits_package(
        package.name, offer.source, package.architecture, native=package.is_native
    )


def in_order(package: Installed, offers: Sequence[Offer]) -> Iterator[tuple[Version, Offer]]:
    """Yield all versions, with the installed one even if no index has it; the highest first."""
    known = {offer.version for offer in offers}
    local = [] if package.version in known else [Offer(package.version, package.source)]
    for offer in sorted([*offers, *local], key=lambda offer: offer.version, reverse=True):
        yield offer.version, offer


def version_priority(
    version: Version, offer: Offer, own: Sequence[Pin], *, is_installed: bool
) -> int:
    """Return the priority of a version: by a pin of its package, or else by its best index."""
    of_indexes = [index.priority for index in offer.indexes]
    usual = max([*of_indexes, *([INSTALLED] if is_installed else [])], default=NEVER)
    known = [index.known for index in offer.indexes]
    for pin in own:
        if pin.fits_version(str(version), known):
            is_usable = is_installed or any(priority != NEVER for priority in of_indexes)
            return pin.priority if is_usable else usual
    return usual
