import pytest
from pydantic import ValidationError

from notebake.errors import RecipeError
from notebake.recipe import Encryption, EncryptionMode, Recipe
from notebake.recipe.file import parse_recipe

REPOSITORY = "repository: {url: 'https://h/ocean'}"
KEY = "arn:aws:kms:us-east-1:123456789012:key/x"


def volumes(*mount_points: str, more: str = "") -> str:
    rows = (f"  - {{name: d{n}, mount_point: {path}{more}}}" for n, path in enumerate(mount_points))
    return "\n".join(("volumes:", *rows))


def efs(*mount_points: str) -> str:
    rows = (f"  - {{file_system_id: fs-01234567, mount_point: {path}}}" for path in mount_points)
    return "\n".join(("efs:", *rows))


def dataset(path: str, name: str = "a", more: str = "", source: str = "https://h/f") -> str:
    return f"  - {{name: {name}, source: '{source}', path: {path}{more}}}"


def software(text: str) -> str:
    return f"software: {{{text}}}"


CONTRADICTIONS = {
    "default key": (
        "encryption: {mode: default}\nshare_with: ['123456789012']",
        "3:13: share_with: an image encrypted with the default key cannot be shared",
    ),
    "default key by its alias": (
        "encryption: {mode: kms, kms_key_id: alias/aws/ebs}\nshare_with: ['123456789012']",
        "3:13: share_with: an image encrypted with the default key cannot be shared",
    ),
    "key without its mode": (
        "encryption: {kms_key_id: alias/mine}",
        "2:26: encryption.kms_key_id: kms_key_id goes with mode: kms",
    ),
    "mode without its key": (
        "encryption: {mode: kms}",
        "2:13: encryption.kms_key_id: kms_key_id go",
    ),
    "key of another region": (
        f"encryption: {{mode: kms, kms_key_id: '{KEY}'}}",
        "2:37: encryption.kms_key_id: the key is not in us-west-2",
    ),
    "two base images": (
        "base_image: {ssm_parameter: /a, image_id: ami-0123456789abcdef0}",
        "2:43: base_image.image_id: give ssm_parameter or image_id, not both",
    ),
    "root": ("base_image: {user: root}", "2:20: base_image.user: cloud images bar root's login"),
    "same disk place": (
        volumes("/a", "/a/"),
        "4:29: volumes[1].mount_point: two disks have the same",
    ),
    "in the image, below one that is not": (
        "volumes:\n"
        "  - {name: a, mount_point: /data, volume_id: vol-0123456789abcdef0}\n"
        "  - {name: b, mount_point: /data/work}",
        "4:28: volumes[1].mount_point: /data/work is on the disk at /data, which the image does not"
        " include: machines from the image could not mount it there",
    ),
    "parent mounted last": (
        volumes("/a/b", "/a"),
        "4:29: volumes[1].mount_point: /a would hide /a/b, mounted before it; list /a first",
    ),
    "same disk name": (
        "volumes:\n  - {name: d, mount_point: /a}\n  - {name: d, mount_point: /b}",
        "4:12: volumes[1].name: d is given twice",
    ),
    "same volume": (
        volumes("/a", "/b", more=", volume_id: vol-0123456789abcdef0"),
        "4:44: volumes[1].volume_id: vol-0123456789abcdef0 is given twice",
    ),
    "on the temporary disk": (
        "instance_store: {}\n" + volumes("/scratch"),
        "4:29: volumes[0].mount_point: two disks have the same mount_point",
    ),
    "on the second temporary disk": (
        "instance_store: {}\n" + volumes("/scratch-2"),
        "4:29: volumes[0].mount_point: two disks have the same mount_point",
    ),
    "EFS where a disk is": (
        f"{volumes('/a')}\n{efs('/a')}",
        "5:48: efs[0].mount_point: /a and /a, where something else is mounted, may not overlap",
    ),
    "EFS on a disk": (
        f"{volumes('/a')}\n{efs('/a/shared')}",
        "5:48: efs[0].mount_point: /a/shared and /a, where something else is mounted, may not",
    ),
    "EFS inside EFS": (
        efs("/a", "/a/b"),
        "4:48: efs[1].mount_point: /a/b and /a, where something else is mounted, may not overlap",
    ),
    "EFS around the temporary disk": (
        "instance_store: {mount_point: /a/tmp}\n" + efs("/a"),
        "4:48: efs[0].mount_point: /a and /a/tmp, where something else is mounted, may not",
    ),
    "EFS where the second temporary disk is": (
        "instance_store: {}\n" + efs("/scratch-2"),
        "4:48: efs[0].mount_point: /scratch-2 is for a temporary disk",
    ),
    "dataset on EFS": (
        f"{efs('/shared')}\ndatasets:\n{dataset('/shared/f')}",
        "5:44: datasets[0].path: /shared/f is on EFS at /shared, which a bake does not mount",
    ),
    "EFS in the clone": (
        f"{efs('/home/ubuntu/ocean/data')}\n{REPOSITORY}",
        "4:13: repository: /home/ubuntu/ocean/data, where EFS is mounted, may not lie inside",
    ),
    "EFS with more places than a tag holds": (
        efs(*(f"/{'x' * 60}{number}" for number in range(5))),
        "3:3: efs: their mount points must fit into one tag: 256 characters together",
    ),
    "client of EFS without EFS": (
        "efs_client: {version: 3.3.0-1}",
        "2:13: efs_client: would be ignored, as efs names no file system",
    ),
    "inside the temporary disk": (
        "instance_store: {}\n" + volumes("/scratch/a"),
        "4:29: volumes[0].mount_point: the temporary disk at /scratch and this one may not lie",
    ),
    "temporary disk inside": (
        "instance_store: {mount_point: /a/tmp}\n" + volumes("/a"),
        "4:29: volumes[0].mount_point: the temporary disk at /a/tmp and this one may not lie",
    ),
    "two origins": (
        volumes("/a", more=", snapshot_id: snap-01234567, volume_id: vol-01234567"),
        "3:72: volumes[0].volume_id: give snapshot_id or volume_id, not both",
    ),
    "size of an existing volume": (
        volumes("/a", more=", volume_id: vol-01234567, size_gib: 20"),
        "3:68: volumes[0].size_gib: an existing volume keeps its own; leave this out",
    ),
    "iops for the size": (
        volumes("/a", more=", size_gib: 10, iops: 6000"),
        "3:53: volumes[0].iops: gp3 gives at most 500 a second for each GiB",
    ),
    "throughput for the iops": (
        "root_volume: {throughput_mib_per_second: 1000}",
        "2:42: root_volume.throughput_mib_per_second: gp3 needs 4 iops for each MiB/s: iops 4000",
    ),
    "same type": (
        "instance_types: [m5.large, m5.large]",
        "2:28: instance_types[1]: m5.large is given twice",
    ),
    "same type to accept": (
        "acceptance: {instance_types: [m5.large, m5.large]}",
        "2:41: acceptance.instance_types[1]: m5.large is given twice",
    ),
    "ARM type": (
        "instance_types: [m7g.large]",
        "2:18: instance_types[0]: m7g.large is arm64, but the image is for amd64",
    ),
    "types of two architectures": (
        "base_image: {image_id: ami-01234567}\ninstance_types: [m7g.large]\n"
        "acceptance: {instance_types: [g4dn.xlarge]}",
        "4:31: acceptance.instance_types[0]: g4dn.xlarge is amd64, but the image is for arm64",
    ),
    "same account": (
        "share_with: ['123456789012', '123456789012']",
        "2:30: share_with[1]: 123456789012 is given twice",
    ),
    "same block": (
        "network: {ssh_from: [auto, auto]}",
        "2:28: network.ssh_from[1]: auto is given twice",
    ),
    "notebook without repository": (
        "notebook: {path: a.ipynb}",
        "2:18: notebook.path: notebook.path needs a repository",
    ),
    "directory without repository": (
        "notebook: {working_directory: a}",
        "2:31: notebook.working_directory: notebook.working_directory needs a repository",
    ),
    "verdict of no notebook": (
        "notebook: {verdict: well}",
        "2:21: notebook.verdict: would be ignored, as notebook.path names no notebook of yours",
    ),
    "parameters of no notebook": (
        f"{REPOSITORY}\nnotebook: {{parameters: {{depth: 5}}}}",
        "3:24: notebook.parameters: would be ignored, as notebook.path names no notebook of yours",
    ),
    "directory of no notebook": (
        f"{REPOSITORY}\nnotebook: {{working_directory: a}}",
        "3:31: notebook.working_directory: would be ignored, as notebook.path names",
    ),
    "empty verdict": (
        "notebook: {verdict: ' '}",
        "2:21: notebook.verdict: an empty text proves no",
    ),
    "unnameable parameter": (
        "notebook: {parameters: {a-b: 1}}",
        "2:30: notebook.parameters.a-b: must be a name that Python accepts",
    ),
    "dataset in the repository": (
        f"{REPOSITORY}\ndatasets:\n" + dataset("/home/ubuntu/ocean/data"),
        "4:44: datasets[0].path: /home/ubuntu/ocean/data overlaps /home/ubuntu/ocean, the place of",
    ),
    "repository in a dataset": (
        "repository: {url: 'https://h/o', path: /data/o}\ndatasets:\n" + dataset("/data"),
        "4:44: datasets[0].path: /data overlaps /data/o, the place of the repository",
    ),
    "datasets at one place": (
        "datasets:\n" + dataset("/d") + "\n" + dataset("/d", name="b"),
        "4:44: datasets[1].path: /d overlaps /d, the place of another dataset",
    ),
    "dataset at a mount point": (
        volumes("/a") + "\ndatasets:\n" + dataset("/a"),
        "5:44: datasets[0].path: /a is a disk's mount_point; name a file or folder on it, or",
    ),
    "datasets of one name in a folder": (
        "datasets:\n" + dataset("/d/") + "\n" + dataset("/d/", name="b"),
        "4:44: datasets[1].path: /d/f overlaps /d/f, the place of another dataset",
    ),
    "dataset in a folder of the repository": (
        f"{REPOSITORY}\ndatasets:\n" + dataset("/home/ubuntu/ocean/"),
        "4:44: datasets[0].path: /home/ubuntu/ocean/f overlaps /home/ubuntu/ocean, the place of",
    ),
    "dataset in a folder of the system": (
        "datasets:\n" + dataset("/etc/"),
        "3:44: datasets[0].path: /etc/… belongs to the system",
    ),
    "dataset as somebody's home": (
        "datasets:\n" + dataset("/home/"),
        "3:44: datasets[0].path: /home/… holds the login user's keys and settings",
    ),
    "dataset in a folder of EFS": (
        f"{efs('/shared')}\ndatasets:\n{dataset('/shared/')}",
        "5:44: datasets[0].path: /shared/f is on EFS at /shared, which a bake does not mount",
    ),
    "dataset without a name in a folder": (
        "datasets:\n" + dataset("/d/", source="sftp://h/"),
        "3:42: datasets[0].path: the source does not end in a name for /d/; give the name as well",
    ),
    "dataset with an odd name in a folder": (
        "datasets:\n" + dataset("/d/", source="https://h/%2e%2e"),
        "3:49: datasets[0].path: the source does not end in a name for /d/; give the name as well",
    ),
    "same dataset name": (
        "datasets:\n" + dataset("/d") + "\n" + dataset("/e"),
        "4:12: datasets[1].name: a is given twice",
    ),
    "dataset on a temporary disk": (
        "instance_store: {}\ndatasets:\n" + dataset("/scratch/d"),
        "4:44: datasets[0].path: /scratch/d is on the disk at /scratch, which the image",
    ),
    "dataset on a disk outside the image": (
        volumes("/a", more=", in_image: false") + "\ndatasets:\n" + dataset("/a/d"),
        "5:44: datasets[0].path: /a/d is on the disk at /a, which the image does not include",
    ),
    "repository at a mount point": (
        "repository: {url: 'https://h/o', path: /a}\n" + volumes("/a"),
        "2:13: repository: /a is a disk's mount_point; clone into a folder on it",
    ),
    "no name for the clone": (
        "repository: {url: 'https://host/..'}",
        "2:19: repository.url: does not end in a name for the folder; give path as well",
    ),
    "no path to clone": (
        "repository: {url: 'https://host/'}",
        "2:19: repository.url: does not end in a name for the folder; give path as well",
    ),
    "http without checksum": (
        "datasets:\n  - {name: a, source: 'http://h/f', path: /d}",
        "3:23: datasets[0].source: a source without TLS needs a sha256",
    ),
    "a folder by https": (
        "datasets:\n  - {name: a, source: 'https://b.org/f/?v=1', path: /d}",
        "3:23: datasets[0].source: a folder cannot be fetched by https, only a file",
    ),
    "checksum of a folder": (
        "datasets:\n  - {name: a, source: 's3://b/f/', path: /d, sha256: " + "0" * 64 + "}",
        "3:54: datasets[0].sha256: a checksum goes with a single file",
    ),
    "pip beside pip": (
        software("pip: [utm]"),
        "2:17: software.pip: with manager: pip, name the pac",
    ),
    "python with pip": (
        software("python: 3.12"),
        "2:20: software.python: with manager: pip, the base",
    ),
    "environment.yml with pip": (
        software('requirements: "dependencies: [a]"'),
        "2:26: software.requirements: an environment.yml needs manager: conda",
    ),
    "requirements.txt with conda": (
        software("manager: conda, requirements: numpy"),
        "2:42: software.requirements: with manager: conda this must be an environment.yml",
    ),
    "requirements of another file": (
        software('requirements: "numpy\\n-r more.txt"'),
        "2:26: software.requirements: line 2: names another file",
    ),
    "local package": (
        software('requirements: "./wheel.whl"'),
        "2:26: software.requirements: line 1: names another file",
    ),
    "package over ssh": (
        software("requirements: git+ssh://git@host/a/b.git"),
        "2:26: software.requirements: line 1: is fetched by ssh, for which the machine has no key",
    ),
    "nothing required": (
        software("requirements: '  '"),
        "2:26: software.requirements: is empty, and would change nothing; leave it out",
    ),
    "conda's style with pip": (
        software("packages: [numpy=1.19]"),
        "2:23: software.packages[0]: is in conda's style; with pip write numpy==1.19",
    ),
    "a wheel among the packages": (
        software("packages: [numpy, wheels/tool-1.0-py3-none-any.whl]"),
        "2:30: software.packages[1]: names another file, which will not be on the machine",
    ),
    "pip's packages in conda's style": (
        software("manager: conda, pip: [utm=0.7]"),
        "2:34: software.pip[0]: is in conda's style; with pip write utm==0.7",
    ),
    "credential in an index": (
        software('requirements: "--index-url https://me:secret@h/simple"'),
        "2:26: software.requirements: line 1: holds a credential",
    ),
    "AWS's tag": ("tags: {AWS:x: a}", "2:15: tags.AWS:x: keys that begin with aws: are reserved"),
    "our tag": (
        "tags: {notebake:run: a}",
        "2:22: tags.notebake:run: keys that begin with notebake:",
    ),
    "long key": (f"tags: {{{'k' * 129}: a}}", f"2:139: tags.{'k' * 129}: a tag's key has 1 to 128"),
    "long value": (f"tags: {{k: {'v' * 257}}}", "2:11: tags.k: a tag's value has at most 256"),
    "many tags": (
        "tags: {" + ", ".join(f"k{n}: a" for n in range(31)) + "}",
        "2:7: tags: at most 30 tags, these are 31",
    ),
}
ALLOWED = {
    "not in the image, below one that is": (
        "volumes:\n"
        "  - {name: a, mount_point: /data}\n"
        "  - {name: b, mount_point: /data/old, volume_id: vol-0123456789abcdef0}"
    ),
    "neither of nested disks in the image": volumes(
        "/data", "/data/work", more=", in_image: false"
    ),
    "nested, parent first": volumes("/a", "/a/b"),
    "copy of an existing disk": volumes("/a", more=", volume_id: vol-01234567, in_image: true"),
    "anybody": "network: {ssh_from: [0.0.0.0/0]}",
    "several subnets, existing disk": "network: {subnet_ids: [subnet-01234567, subnet-89abcdef]}\n"
    + volumes("/a", more=", volume_id: vol-01234567"),
    "scratch's neighbour": "instance_store: {}\n" + volumes("/scratch-data"),
    "disk in the home": volumes("/home/ubuntu/data"),
    "dataset on a disk in the image": volumes("/a") + "\ndatasets:\n" + dataset("/a/d"),
    "dataset into a disk": volumes("/a") + "\ndatasets:\n" + dataset("/a/"),
    "datasets into one folder of the home": "datasets:\n"
    + dataset("/home/ubuntu/")
    + "\n"
    + dataset("/home/ubuntu/", name="b", source="s3://b/folder/"),
    "ssh with a user": "repository: {url: 'ssh://git@host/a/b.git'}",
    "an @ in a path": "repository: {url: 'https://host/a@b/c.git'}",
    "folder named by hand": "repository: {url: 'https://host/', path: /work}",
    "package of a repository": software("packages: ['git+https://host/a/b.git']"),
    "conda's own style": software("manager: conda, packages: [numpy=1.19], pip: [utm==0.7]"),
    "Anaconda's channel": software(
        'manager: conda, requirements: "channels:\\n  - defaults\\ndependencies: [a]"'
    ),
    "our own notebook with limits": "notebook: {minimum_cells: 5, kernel: own, compare: nothing}",
    "shared with an own key": "encryption: {mode: kms, kms_key_id: alias/mine}\n"
    "share_with: ['123456789012']",
    "graphics type": "instance_types: [g4dn.xlarge]",
    "thirty tags": "tags: {" + ", ".join(f"k{n}: a" for n in range(30)) + "}",
}


@pytest.mark.parametrize(("text", "expected"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_a_contradiction_is_refused_with_its_place(text: str, expected: str) -> None:
    with pytest.raises(RecipeError) as caught:
        parse_recipe(f"name: x\n{text}\n", "r")
    (line,) = caught.value.message.splitlines()
    assert line.startswith(f"r:{expected}")
    assert "secret" not in line


@pytest.mark.parametrize("text", ALLOWED.values(), ids=ALLOWED.keys())
def test_an_apparent_contradiction_is_accepted(text: str) -> None:
    assert parse_recipe(f"name: x\n{text}\n", "r").name == "x"


def test_a_contradiction_is_refused_without_a_file_too() -> None:
    with pytest.raises(ValidationError, match="default key cannot be shared"):
        Recipe(
            name="x",
            encryption=Encryption(mode=EncryptionMode.DEFAULT),
            share_with=("123456789012",),
        )


@pytest.mark.parametrize("path", ["/*", "/**", "/"])
def test_an_allowance_cannot_disable_a_rule_everywhere(path: str) -> None:
    entry = {"path": path, "rule": "jwt", "reason": "an example"}
    with pytest.raises(ValidationError, match="everywhere"):
        Recipe.model_validate({"name": "x", "credentials": {"allow": [entry]}})


def test_a_duplicate_allowance_or_one_without_reason_is_refused() -> None:
    entry = {"path": "/a", "rule": "jwt", "reason": "an example"}
    with pytest.raises(ValidationError, match="allowed already"):
        Recipe.model_validate({"name": "x", "credentials": {"allow": [entry, entry]}})
    for reason in ({}, {"reason": "  "}):
        nameless = {"path": "/a", "rule": "jwt", **reason}
        with pytest.raises(ValidationError, match="reason"):
            Recipe.model_validate({"name": "x", "credentials": {"allow": [nameless]}})


@pytest.mark.parametrize(
    ("path", "source", "target"),
    [
        ("/data", "https://h/sst.nc", "/data"),
        ("/data//", "https://h/year%202020.nc?sst[(0)]", "/data/year 2020.nc"),
        ("/", "s3://bucket/folder/", "/folder"),
        ("/data/", "s3://bucket/a%20b", "/data/a%20b"),
        ("/data/", "sftp://me@h/home/me/cast.csv", "/data/cast.csv"),
    ],
)
def test_a_dataset_keeps_its_source_s_name_in_a_folder(path: str, source: str, target: str) -> None:
    recipe = parse_recipe(f"name: x\ndatasets:\n{dataset(path, source=source)}\n", "r")
    assert recipe.datasets[0].target_path == target
