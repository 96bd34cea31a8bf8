import pytest

from notebake.errors import RecipeError
from notebake.recipe.file import parse_recipe

VOLUME = "name: x\nvolumes:\n  - name: data\n    mount_point: /data\n"
FIELDS = {
    "misspelt": (
        "name: x\nvolumes:\n  - name: d\n    mont_point: /d\n    mount_point: /d\n",
        "4:5: volumes[0].mont_point: unknown field; did you mean mount_point?",
    ),
    "misspelt at the top": (
        "name: x\nregoin: y",
        "2:1: regoin: unknown field; did you mean region?",
    ),
    "in the wrong part": (
        "name: x\npackages: [numpy]",
        "2:1: packages: unknown field; did you mean software.packages?",
    ),
    "like nothing": (
        "name: x\nencryption:\n  zzzz: 1",
        "3:3: encryption.zzzz: unknown field; here may stand: mode, kms_key_id",
    ),
    "missing": ("region: us-west-2", "1:1: name: is missing"),
    "missing in a part": (
        "name: x\nvolumes:\n  - name: data",
        "3:5: volumes[0].mount_point: is missing",
    ),
    "empty": ("name: x\nregion:", "2:1: region: is empty; give it a value, or remove the line"),
    "empty entry": (
        "name: x\nshare_with:\n  -",
        "3:4: share_with[0]: is empty; give it a value, or remove the line",
    ),
    "null": ("name: x\nregion: null", "2:9: region: must be text, not null"),
    "twice": ("name: x\nregion: a\nname: y", "3:1: name: is given twice, first in line 1"),
    "text for a number": (
        'name: x\njupyter_port: "8887"',
        "2:15: jupyter_port: must be a whole number, not '8887'",
    ),
    "truth for a number": (
        "name: x\njupyter_port: true",
        "2:15: jupyter_port: must be a whole number, not true",
    ),
    "fraction": (
        VOLUME + "    size_gib: 1.5",
        "5:15: volumes[0].size_gib: must be a whole number, not 1.5",
    ),
    "more digits than Python reads": (
        f"name: x\njupyter_port: {'1' * 9000}",
        "2:15: jupyter_port: must be a whole number, not inf",
    ),
    "number": ("name: x\nlease_hours: long", "2:14: lease_hours: must be a number, not 'long'"),
    "truth": (
        VOLUME + "    in_image: perhaps",
        "5:15: volumes[0].in_image: must be true or false, not 'perhaps'",
    ),
    "list": ("name: x\nshare_with: 1", "2:13: share_with: must be a list, such as [a, b], not 1"),
    "part": (
        "name: x\nsoftware: [numpy]",
        "2:11: software: must hold fields, one per line",
    ),
    "names": ("name: x\ntags: [a]", "2:7: tags: must hold names and values, one per line"),
    "text": ("name: x\ndescription: [a]", "2:14: description: must be text"),
    "too small": ("name: x\njupyter_port: 22", "2:15: jupyter_port: must be at least 1024, not 22"),
    "too large": ("name: x\nlease_hours: 100", "2:14: lease_hours: must be at most 72, not 100"),
    "choice": (
        VOLUME + "    file_system: ext5",
        "5:18: volumes[0].file_system: must be ext4 or xfs, not 'ext5'",
    ),
    "choice of words": (
        "name: x\nsoftware: {manager: mamba}",
        "2:21: software.manager: must be pip or conda, not 'mamba'",
    ),
    "none": ("name: x\ninstance_types: []", "2:17: instance_types: must have at least 1 entries"),
    "long": (
        f"name: x\ndescription: {'a' * 201}",
        "2:14: description: must have at most 200 characters",
    ),
    "parameter": (
        "name: x\nnotebook:\n  parameters:\n    depth: [1]",
        "4:12: notebook.parameters.depth: must be text, a number, or true or false",
    ),
    "name": ("name: My Image", "1:7: name: must be at most 40 lower-case letters"),
    "region": ("name: x\nregion: oregon", "2:9: region: must be an AWS region such as us-west-2"),
    "account": ("name: x\nshare_with: [123]", "2:14: share_with[0]: must be the 12 digits"),
    "type": ("name: x\ninstance_types: [m6i]", "2:18: instance_types[0]: must be an instance type"),
    "image": (
        "name: x\nbase_image: {image_id: ami-1}",
        "2:24: base_image.image_id: must be an id such as ami-0123456789abcdef0, not 'ami-1'",
    ),
    "scp form": (
        "name: x\nrepository: {url: 'git@github.com:a/b.git'}",
        "2:19: repository.url: must be https://host/path, git://host/path or ssh://git@host/path",
    ),
    "password": (
        "name: x\nrepository: {url: 'https://me:secret@host/b'}",
        "2:19: repository.url: holds a credential, which would be kept with the recipe",
    ),
    "token": (
        "name: x\nrepository: {url: 'https://secret@host/b'}",
        "2:19: repository.url: holds a credential, which would be kept with the recipe",
    ),
    "token beside a name": (
        "name: x\nrepository: {url: 'https://oauth2:secret@host/b'}",
        "2:19: repository.url: holds a credential, which would be kept with the recipe",
    ),
    "token behind a name": (
        "name: x\nrepository: {url: 'https://git@secret@host/b'}",
        "2:19: repository.url: must be https://host/path",
    ),
    "password over ssh": (
        "name: x\nrepository: {url: 'ssh://git:secret@host/b'}",
        "2:19: repository.url: holds a credential, which would be kept with the recipe",
    ),
    "presigned address": (
        "name: x\ndatasets:\n"
        "  - {name: a, path: /d, source: 'https://h/f?a=b&X-Amz-Signature=secret'}",
        "3:33: datasets[0].source: holds a signature or token, which would be kept",
    ),
    "unknown scheme": (
        "name: x\ndatasets:\n  - {name: a, path: /d, source: 'ftp://h/f'}",
        "3:33: datasets[0].source: must be https://…, s3://bucket/key or sftp://user@host/path",
    ),
    "outside": (
        "name: x\nrepository: {url: 'https://h/b'}\nnotebook: {path: ../a.ipynb}",
        "3:18: notebook.path: must be a path that stays inside",
    ),
    "no notebook": (
        "name: x\nrepository: {url: 'https://h/b'}\nnotebook: {path: a.py}",
        "3:18: notebook.path: must be a notebook, *.ipynb, not 'a.py'",
    ),
    "credential in a package": (
        "name: x\nsoftware: {packages: ['git+https://secret@host/a/b.git']}",
        "2:23: software.packages[0]: holds a credential, which would be kept with the recipe",
    ),
    "a flood": (f"name: {'X' * 9000}", "1:7: name: must be at most 40 lower-case letters"),
    "shell text": (
        "name: x\nsoftware: {packages: ['numpy; reboot']}",
        "2:23: software.packages[0]: must be one package",
    ),
    "bare address": (
        "name: x\nnetwork: {ssh_from: [192.0.2.7]}",
        "2:22: network.ssh_from[0]: write '192.0.2.7' as 192.0.2.7/32",
    ),
    "host in a block": (
        "name: x\nnetwork: {ssh_from: [192.0.2.7/24]}",
        "2:22: network.ssh_from[0]: write '192.0.2.7/24' as 192.0.2.0/24",
    ),
    "IPv6": (
        "name: x\nnetwork: {ssh_from: ['2001:db8::/32']}",
        "2:22: network.ssh_from[0]: must be auto or an IPv4 block",
    ),
    "tag of YAML": ("name: !secret x", "1:1: name: YAML tags such as !secret are not read"),
}
MOUNT_POINTS = {
    "/": "belongs to the system",
    "/etc": "belongs to the system",
    "/usr/local/x": "belongs to the system",
    "/home": "belongs to the system",
    "/home/ubuntu": "holds the login user's keys",
    "/home/ubuntu/": "holds the login user's keys",
    "//etc": "belongs to the system",
    "/data/../etc": "must not contain . or ..",
    "data": "must be an absolute path",
    "/my data": "must be an absolute path",
}
SYNTAX = {
    "empty file": ("", "r.yaml:1:1: the file is empty"),
    "comments only": ("# nothing\n", "r.yaml:1:1: the file is empty"),
    "a list": ("- name: x", "r.yaml:1:1: a recipe is made of fields"),
    "text": ("hello", "r.yaml:1:1: a recipe is made of fields"),
    "a tab": (
        "name: x\nsoftware:\n\tmanager: pip",
        "r.yaml:3:1: a tab; YAML is indented with spaces",
    ),
    "no end": ("name: x\nshare_with: [1", "r.yaml:2:15: while parsing a flow sequence"),
    "two documents": ("name: x\n---\nname: y", "r.yaml:2:1: expected a single document"),
    "an anchor": ("name: x\na: &a [1]\nb: *a", "r.yaml:3:4: anchors (&, *) are not read"),
    "itself": ("name: x\na: &a [*a]", "r.yaml:2:8: anchors (&, *) are not read"),
    "control character": ("name: x\nregion: \x01", "r.yaml:2:1: a character that YAML does not"),
}


def refusal(text: str) -> list[str]:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(text, "r.yaml")
    assert caught.value.hint == "Nothing has been made."
    return caught.value.message.splitlines()


@pytest.mark.parametrize(("text", "expected"), FIELDS.values(), ids=FIELDS.keys())
def test_an_invalid_field_is_refused_with_its_position(text: str, expected: str) -> None:
    lines = refusal(text)
    assert any(line.startswith(f"r.yaml:{expected}") for line in lines), lines
    assert "secret@" not in str(lines)
    assert "=secret" not in str(lines)
    assert len(max(lines, key=len)) < 200


@pytest.mark.parametrize(("mount_point", "reason"), MOUNT_POINTS.items())
def test_a_mount_point_that_would_hide_the_system_is_refused(mount_point: str, reason: str) -> None:
    (line,) = refusal(f"name: x\nvolumes:\n  - name: d\n    mount_point: {mount_point}")
    assert line.startswith("r.yaml:4:18: volumes[0].mount_point: ")
    assert reason in line


@pytest.mark.parametrize(("text", "expected"), SYNTAX.values(), ids=SYNTAX.keys())
def test_yaml_that_is_not_a_mapping_is_refused_in_one_line(text: str, expected: str) -> None:
    (line,) = refusal(text)
    assert line.startswith(expected)


def test_all_errors_are_reported_together_in_file_order() -> None:
    lines = refusal(
        "name: Bad Name\n"
        "jupyter_port: 22\n"
        "volumes:\n"
        "  - {name: a, mont_point: /a}\n"
        "  - {name: b, mount_point: /scratch}\n"
        "instance_store: {}\n"
        "encryption: {mode: default}\n"
        "share_with: ['123456789012', '1']\n"
    )
    assert [line.split(": ")[0] + ": " + line.split(": ")[1] for line in lines] == [
        "r.yaml:1:7: name",
        "r.yaml:2:15: jupyter_port",
        "r.yaml:4:5: volumes[0].mount_point",
        "r.yaml:4:15: volumes[0].mont_point",
        "r.yaml:5:28: volumes[1].mount_point",
        "r.yaml:8:13: share_with",
        "r.yaml:8:30: share_with[1]",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "name: x\nrepositry: {url: 'https://h/b'}\nnotebook: {path: a.ipynb}",
        "name: x\nrepository: {url: oops}\nnotebook: {path: a.ipynb}",
        "name: x\nencryption: {mod: kms, kms_key_id: alias/mine}",
        "name: x\nrepository:\nnotebook: {path: a.ipynb}",
    ],
)
def test_consequential_errors_are_not_reported(text: str) -> None:
    assert len(refusal(text)) == 1
