"""Names of tags and branches that git takes."""

import subprocess

import pytest
from pydantic import ValidationError

from notebake.recipe import Repository


@pytest.mark.parametrize("ref", ["v1.0+cu118", "tool@1.2.3", "fix#12", "a,b=c"])
def test_any_plain_name_of_a_tag_or_branch_is_a_ref(ref: str) -> None:
    assert subprocess.run(["git", "check-ref-format", "--branch", ref], check=False).returncode == 0

    assert Repository(url="https://host/o/t", ref=ref).ref == ref


@pytest.mark.parametrize("ref", ["HEAD~1", "v1^{}", "a b", "-x", "main;id", ""])
def test_what_is_no_plain_name_is_refused(ref: str) -> None:
    with pytest.raises(ValidationError, match="must be a branch, a tag or a commit id"):
        Repository(url="https://host/o/t", ref=ref)
