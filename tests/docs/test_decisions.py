"""Decision records have one form, and their index lists each."""

import re

from tests.docs.markdown import ROOT, Document, read

FOLDER = "docs/decisions"
RECORDS = [read(f"{FOLDER}/{path.name}") for path in sorted((ROOT / FOLDER).glob("0*.md"))]
SECTIONS = ["Decision", "Why", "Rejected"]


def headings(record: Document) -> list[str]:
    return [
        record.tokens[number + 1].content
        for number, token in enumerate(record.tokens)
        if token.type == "heading_open"
    ]


def test_records_are_numbered_without_gaps() -> None:
    numbers = [int(record.path.name[:4]) for record in RECORDS]

    assert numbers == list(range(1, len(RECORDS) + 1))
    assert len(numbers) > 40


def test_each_record_says_what_was_decided_why_and_what_was_rejected() -> None:
    for record in RECORDS:
        title, *sections = headings(record)
        assert title.startswith(f"{record.path.name[:4]} "), record.name
        assert sections == SECTIONS, record.name
        text = record.path.read_text(encoding="utf-8")
        assert all(re.search(rf"## {section}\n\n\S", text) for section in SECTIONS), record.name
        assert "\nCode: `" in text, record.name


def test_the_index_lists_each_record_by_its_title() -> None:
    listed = [row[1] for row in read(f"{FOLDER}/README.md").rows()]

    assert listed == [f"[{headings(record)[0][5:]}]({record.path.name})" for record in RECORDS]
