"""`history people`: who the pseudonyms of the record are; with `--erase` a person is erased."""

import argparse
import sys
from typing import TYPE_CHECKING

from flows.cli.arguments import add_json, location_of
from flows.cli.exit_codes import DONE, FAILED

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from notebake.ledger.chain import RecordPlace
    from notebake.runs.known_people import KnownPerson
    from notebake.runs.people import Person

EXAMPLE = """\
notebake history people
notebake history people --erase ada --because "asked for it on 3 March"
notebake history people --erase p-1a2b3c4d --yes --json"""
FIELDS = {
    "people[].pseudonym": "what the record has instead of a name",
    "people[].login": "user on a computer; null: not known, or erased",
    "people[].host_name": "that computer",
    "people[].arn": "identity in AWS",
    "people[].name": "name, for example of a principal investigator",
    "people[].runs": "how many runs mention the pseudonym",
    "people[].erased_at": "when the name was erased, ISO 8601 in UTC; null: it was not",
    "people[].because": "the reason that was given for that",
    "erased": "pseudonyms that were erased now",
    "remains": "sentences about where their names may still be",
}
COLUMNS = ("pseudonym", "runs", "who")
EARLIER = (
    "Earlier versions of {file} have the names until a lifecycle rule of the bucket removes them."
    " The rule is deployments/record-lifecycle.json, with your prefix filled in; add it to those"
    " that this lists:  aws s3api get-bucket-lifecycle-configuration --bucket BUCKET  and put all"
    " of them, as that replaces what is there:  aws s3api put-bucket-lifecycle-configuration"
    " --bucket BUCKET --lifecycle-configuration file://record-lifecycle.json"
)
COPIES = "Backups and other copies of {file} have the names."
ELSEWHERE = (
    "Recipes, notebooks, logs and files of the runs, Prefect and AWS (CloudTrail) are out of reach:"
    " what names a person there has to be removed there."
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument(
        "--erase",
        metavar="PERSON",
        help="remove the name of a person: a pseudonym, or a whole login, name or identity",
    )
    parser.add_argument(
        "--because", metavar="TEXT", help="why, for the log of erasures; without names"
    )
    parser.add_argument("--yes", action="store_true", help="erase without asking")
    add_json(parser)


def run(given: argparse.Namespace) -> int:
    """List the people, or erase some and list the others."""
    from notebake.runs.run_record import record_place

    location = location_of(given)
    if given.erase is None:
        if given.because is not None or given.yes:
            given.refusing.error("--because and --yes go with --erase PERSON.")
        show(location, is_json=given.json)
        return DONE
    place = record_place(location)
    return erase_meant(given, location, place)


def erase_meant(given: argparse.Namespace, location: str, place: "RecordPlace") -> int:
    """Erase whom the command line means, and say where the names may still be."""
    from notebake.runs.erasure import check_reason, erase, find_people
    from notebake.runs.people import read_people

    because = given.because or ""
    meant = find_people(given.erase, read_people(place))
    check_reason(because, meant.values())
    if not given.yes:
        if not sys.stdin.isatty():
            given.refusing.error("Nobody can be asked here. To erase without asking, add --yes.")
        if not is_confirmed(meant, place):
            print_lines(["Nobody was erased."], stderr=True)
            return FAILED
    given.does_work = True
    erased = erase(meant, place, because)
    remains = remains_of(place)
    if given.json:
        show(location, is_json=True, erased=erased, remains=remains)
        return DONE
    print_lines([f"Erased: {', '.join(erased)}. Their runs keep the pseudonym.", *remains])
    return DONE


def is_confirmed(meant: "dict[str, Person]", place: "RecordPlace") -> bool:
    """Show who is meant, and return whether the answer is yes."""
    from notebake.runs.people import KEY

    lines = [f"  {pseudonym}  {person.label}" for pseudonym, person in meant.items()]
    heading = f"To be erased from {place.store.where(place.prefix + KEY)}, for good:"
    print_lines([heading, *lines], stderr=True)
    sys.stderr.write("Type yes to erase: ")
    sys.stderr.flush()
    return sys.stdin.readline().strip().lower() == "yes"


def remains_of(place: "RecordPlace") -> list[str]:
    """Return where the names may still be: what erasing does not reach."""
    from notebake.runs.people import KEY
    from notebake.store.versions import Versioning

    file = place.store.where(place.prefix + KEY)
    has_versions = place.store.versioning() not in {Versioning.NEVER, Versioning.OFF}
    earlier = EARLIER if has_versions else COPIES
    return [earlier.format(file=file), ELSEWHERE]


def show(
    location: str, *, is_json: bool, erased: "Sequence[str]" = (), remains: "Sequence[str]" = ()
) -> None:
    """Print all people of the record."""
    from notebake.runs.known_people import list_people

    people = list_people(location)
    if is_json:
        from flows.cli.json_output import print_document

        rows = [document_row(each) for each in people]
        print_document({"people": rows, "erased": [*erased], "remains": [*remains]})
        return
    from flows.terminal.history_table import align

    if not people:
        print_lines([f"The record of the runs in {location} has no people yet."])
        return
    cells = [(each.pseudonym, str(each.runs), who_of(each)) for each in people]
    print_lines(align([COLUMNS, *cells]))


def who_of(known: "KnownPerson") -> str:
    """Return who a pseudonym is, or why that is not known."""
    if known.person:
        return known.person.label
    if known.erasure is None:
        return "the record holds no name for it"
    because = f": {known.erasure.because}" if known.erasure.because else ""
    return f"erased on {known.erasure.at[:10]} by {known.erasure.by}{because}"


def document_row(known: "KnownPerson") -> dict[str, object]:
    """Return a person as a JSON object."""
    person, erasure = known.person, known.erasure
    return {
        "pseudonym": known.pseudonym,
        "login": person.login or None if person else None,
        "host_name": person.host_name or None if person else None,
        "arn": person.arn or None if person else None,
        "name": person.name or None if person else None,
        "runs": known.runs,
        "erased_at": erasure.at if erasure else None,
        "because": erasure.because or None if erasure else None,
    }


def print_lines(lines: "Iterable[str]", *, stderr: bool = False) -> None:
    """Print lines that are not wrapped, as text to copy is in them."""
    from flows.terminal.console import open_console
    from notebake.humanize import clean_text

    console = open_console(stderr=stderr)
    for line in lines:
        console.print(clean_text(line), markup=False, soft_wrap=True)
