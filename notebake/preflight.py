"""Everything that can fail is asked before anything is paid for; all findings at once."""

import os
import subprocess
from collections.abc import Callable, Iterable
from typing import Any

from notebake.aws import facts, images, networks
from notebake.aws.volumes import describe_volumes, zone_of_volumes
from notebake.errors import NotebakeError, PreflightError
from notebake.own_address import ssh_sources
from notebake.recipe import EncryptionMode, Recipe
from notebake.records import Run

MINIMUM_MEMORY_MIB = {"pip": 1024, "conda": 3072}
"""The installation of TLJH's stack was killed with 1 GB (the-littlest-jupyterhub #257, #670)."""
GIT_SECONDS = 30


def check_everything(run: Run) -> list[str]:
    """Return what was found in order, as sentences.

    Raises:
        PreflightError: names everything that is wrong, not the first only.
    """
    recipe = run.recipe
    # Without an answer from AWS there is nothing else to find.
    good = [f"The credentials are of account {facts.caller_account(recipe.region)}."]
    wrong: list[str] = []
    checks: tuple[Callable[[], Iterable[str]], ...] = (
        lambda: check_base_image(run),
        lambda: check_types(recipe, architecture_of(run)),
        lambda: check_network(recipe),
        lambda: check_name(run),
        lambda: check_encryption(recipe),
        lambda: check_disks(recipe),
        lambda: check_repository(recipe),
    )
    for check in checks:
        try:
            good += check()
        except NotebakeError as error:
            wrong.append(str(error))
    if wrong:
        listed = "\n".join(f"- {one}" for one in wrong)
        raise PreflightError(f"Nothing was made: {recipe.name} cannot be built.\n{listed}")
    return good


def check_base_image(run: Run) -> Iterable[str]:
    """The base image is there, and the root disk is not smaller than it."""
    recipe = run.recipe
    base = images.resolve_base_image(recipe.base_image, recipe.region)
    root = [
        mapping["Ebs"]["VolumeSize"]
        for mapping in base["BlockDeviceMappings"]
        if mapping.get("DeviceName") == base["RootDeviceName"] and "Ebs" in mapping
    ]
    if root and root[0] > recipe.root_volume.size_gib:
        raise PreflightError(
            f"root_volume.size_gib is {recipe.root_volume.size_gib}, but the base image"
            f" {base['ImageId']} needs {root[0]}."
        )
    yield f"The base image is {base['ImageId']} ({base.get('Name', 'no name')})."


def architecture_of(run: Run) -> str:
    """Return the processor architecture of the base image."""
    base = images.resolve_base_image(run.recipe.base_image, run.recipe.region)
    return str(base.get("Architecture", "x86_64"))


def check_types(recipe: Recipe, architecture: str) -> Iterable[str]:
    """Every type is offered where the subnets are, fits the image, and has the memory."""
    subnets = networks.find_subnets(recipe.network, recipe.region)
    zones = {str(one["AvailabilityZone"]) for one in subnets}
    needed = MINIMUM_MEMORY_MIB[recipe.software.manager]
    for name in dict.fromkeys((*recipe.instance_types, *recipe.acceptance.instance_types)):
        offered = facts.offered_zones(name, recipe.region) & zones
        if not offered:
            raise PreflightError(
                f"The instance type {name} is not offered in {', '.join(sorted(zones))}."
            )
        described = facts.describe_type(name, recipe.region)
        check_type(name, described, architecture, needed)
        yield f"{name} is offered in {', '.join(sorted(offered))}."


def check_type(name: str, described: dict[str, Any], architecture: str, needed_mib: int) -> None:
    """Raise PreflightError where a type cannot run this image or this stack."""
    supported = described.get("ProcessorInfo", {}).get("SupportedArchitectures", [architecture])
    if architecture not in supported:
        raise PreflightError(f"{name} is for {', '.join(supported)}, the image is {architecture}.")
    memory = int(described.get("MemoryInfo", {}).get("SizeInMiB", needed_mib))
    if memory < needed_mib:
        raise PreflightError(f"{name} has {memory} MiB of memory; the software needs {needed_mib}.")


def check_network(recipe: Recipe) -> Iterable[str]:
    """There is a subnet, in the zone of existing volumes, and an address to let in."""
    zone = zone_of_volumes(recipe)
    zones = {str(one["AvailabilityZone"]) for one in networks.find_subnets(
        recipe.network, recipe.region)}  # fmt: skip
    if zone and zone not in zones:
        raise PreflightError(f"The existing volumes lie in {zone}; no subnet does.")
    yield f"ssh will be let in from {', '.join(ssh_sources(recipe))}."


def check_name(run: Run) -> Iterable[str]:
    """The image's name is free, or the image is this run's own."""
    images.find_image(run)
    yield f"The image will be called {images.image_name(run)}."


def check_encryption(recipe: Recipe) -> Iterable[str]:
    """What is to be shared is not encrypted with the default key by the account's own setting."""
    by_default = facts.is_encrypted_by_default(recipe.region)
    if by_default and recipe.share_with and recipe.encryption.mode is not EncryptionMode.KMS:
        raise PreflightError(
            f"This account encrypts every disk in {recipe.region} with its default key, and an"
            " image encrypted so cannot be shared. Set encryption mode kms, or empty share_with."
        )
    yield "The disks will be encrypted." if by_default else "The account encrypts only on request."


def check_disks(recipe: Recipe) -> Iterable[str]:
    """Existing volumes are free, and snapshots complete and not larger than the disk."""
    for volume in recipe.volumes:
        if volume.volume_id:
            found = describe_volumes([volume.volume_id], recipe.region)[0]
            if found["State"] not in {"available", "in-use"}:
                raise PreflightError(f"{volume.volume_id} is {found['State']}.")
            yield f"{volume.volume_id} is {found['State']}."
        if volume.snapshot_id:
            snapshot = facts.describe_snapshots([volume.snapshot_id], recipe.region)[0]
            if snapshot["State"] != "completed" or snapshot["VolumeSize"] > volume.size_gib:
                raise PreflightError(
                    f"{volume.snapshot_id} is {snapshot['State']} and has"
                    f" {snapshot['VolumeSize']} GiB; the recipe gives it {volume.size_gib}."
                )
            yield f"{volume.snapshot_id} is complete."


def check_repository(recipe: Recipe) -> Iterable[str]:
    """The repository answers from here, and has the branch or tag; a commit cannot be asked for."""
    if recipe.repository is None:
        return
    url, ref = recipe.repository.url, recipe.repository.ref
    environment = {**os.environ, "GIT_TERMINAL_PROMPT": "0"}
    try:
        answer = subprocess.run(
            ["git", "ls-remote", "--exit-code", url],
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS,
            env=environment,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise PreflightError(f"Asked {url} for its branches: {error}") from error
    if answer.returncode != 0:
        said = answer.stderr.strip() or "it is empty"
        raise PreflightError(f"Asked {url} for its branches; git said: {said}")
    names = {line.split("\t")[1] for line in answer.stdout.splitlines()}
    commits = {line.split("\t")[0] for line in answer.stdout.splitlines()}
    named = {ref, f"refs/heads/{ref}", f"refs/tags/{ref}"} & names
    if named or any(commit.startswith(ref) for commit in commits):
        yield f"{url} has {ref}."
    elif all(one in "0123456789abcdef" for one in ref) and len(ref) >= 7:
        yield f"{url} answers; whether it has commit {ref} shows when it is cloned."
    else:
        raise PreflightError(f"{url} has no branch or tag {ref}.")
