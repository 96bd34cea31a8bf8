"""Names of tags and branches, and addresses, that git takes."""

import subprocess

import pytest
from pydantic import ValidationError

from notebake.recipe import Repository
from notebake.recipe.requirement_line import CREDENTIAL_FAULT
from notebake.recipe.requirements import find_requirement_faults


@pytest.mark.parametrize("ref", ["v1.0+cu118", "tool@1.2.3", "fix#12", "a,b=c"])
def test_any_plain_name_of_a_tag_or_branch_is_a_ref(ref: str) -> None:
    assert subprocess.run(["git", "check-ref-format", "--branch", ref], check=False).returncode == 0

    assert Repository(url="https://host/o/t", ref=ref).ref == ref


@pytest.mark.parametrize("ref", ["HEAD~1", "v1^{}", "a b", "-x", "main;id", ""])
def test_what_is_no_plain_name_is_refused(ref: str) -> None:
    with pytest.raises(ValidationError, match="must be a branch, a tag or a commit id"):
        Repository(url="https://host/o/t", ref=ref)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("https://git@host/o/r", "https://host/o/r"),
        ("https://oauth2@host/o/r.git", "https://host/o/r.git"),
        ("https://someone@host/someone/r", "https://host/someone/r"),
        ("http://x-token-auth@host:8080/o/r", "http://host:8080/o/r"),
        ("ssh://git@host/o/r", "ssh://git@host/o/r"),
    ],
)
def test_a_user_name_that_is_no_secret_is_left_out(given: str, taken: str) -> None:
    assert Repository(url=given).url == taken


@pytest.mark.parametrize("user", ["someone", "some1", "git:", "oauth2:x", "git@x", "x:git"])
def test_any_other_name_before_the_host_may_be_a_token(user: str) -> None:
    with pytest.raises(ValidationError, match=r"holds a credential|without a password"):
        Repository(url=f"https://{user}@host/o/someone/r")

    assert list(find_requirement_faults(f"git+https://{user}@host/o/r\n", "pip")) == [
        f"line 1: {CREDENTIAL_FAULT}"
    ]


@pytest.mark.parametrize(
    "line",
    [
        "git+https://git@host/o/r",
        "r @ git+https://oauth2@host/o/r.git@v1",
        "-e git+https://git@host/o/r.git#egg=r",
        "git+https://someone@host/someone/r.git",
    ],
)
def test_a_requirement_may_name_a_user_that_is_no_secret(line: str) -> None:
    assert list(find_requirement_faults(f"{line}\n", "pip")) == []


PAGES = {
    "https://github.com/o/r/tree/main": "url: https://github.com/o/r and ref: main",
    "https://github.com/o/r/tree/main/notebooks": "url: https://github.com/o/r and ref: main",
    "https://github.com/o/r/blob/v1/a.ipynb": "url: https://github.com/o/r and ref: v1",
    "https://www.github.com/o/r/commit/0123abc": "url: https://www.github.com/o/r and ref: 0123abc",
    "https://github.com/o/r/releases/tag/v1.0": "url: https://github.com/o/r and ref: v1.0",
    "https://github.com/o/r/issues": "url: https://github.com/o/r",
    "https://github.com/o/r?tab=readme-ov-file": "url: https://github.com/o/r",
    "https://github.com/o/r#readme": "url: https://github.com/o/r",
    "https://host/g/s/r/-/tree/dev?ref_type=heads": "url: https://host/g/s/r and ref: dev",
    "https://host/g/s/r/-/blob/dev/a.ipynb": "url: https://host/g/s/r and ref: dev",
    "https://bitbucket.org/o/r/src/main/": "url: https://bitbucket.org/o/r and ref: main",
    "https://host/o/r/src/branch/main": "url: https://host/o/r and ref: main",
}


@pytest.mark.parametrize(("page", "words"), PAGES.items(), ids=PAGES.keys())
def test_the_address_of_a_page_is_refused_with_what_to_write(page: str, words: str) -> None:
    with pytest.raises(ValidationError) as raised:
        Repository(url=page)

    assert f"url: is a page of the repository; write {words}" in str(raised.value)
    assert ("and ref:" in str(raised.value)) == ("and ref:" in words)


@pytest.mark.parametrize(
    "address",
    [
        "https://github.com/o/r",
        "https://github.com/o/r.git/",
        "https://host/a/tree/main",
        "https://host/cgi/r?p=x",
    ],
)
def test_the_address_of_a_repository_is_taken(address: str) -> None:
    assert Repository(url=address, path="/data/r").url == address


def test_a_branch_by_its_full_name_is_that_branch() -> None:
    assert Repository(url="https://host/o/r", ref="refs/heads/dev").ref == "dev"
    assert Repository(url="https://host/o/r", ref="refs/tags/v1").ref == "refs/tags/v1"
