"""The whole recipe. Every field has its unit in its name and its default here."""

import re
from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from notebake.recipe.award import Award, find_in_awards
from notebake.recipe.content import Acceptance, Dataset, Notebook, Repository, Software
from notebake.recipe.credentials import Credentials
from notebake.recipe.cross_checks import (
    find_in_architecture,
    find_in_disks,
    find_in_encryption,
    find_in_folders,
    find_in_notebook,
    find_in_tags,
)
from notebake.recipe.efs import Efs, EfsClient, find_in_efs, find_on_efs
from notebake.recipe.fields import UNQUOTED, InstanceType, Name, Recipient, Region, RoleArn
from notebake.recipe.machine import (
    BaseImage,
    Encryption,
    InstanceStore,
    Network,
    RootVolume,
    Volume,
    repeated,
)
from notebake.recipe.part import Contradiction, Part
from notebake.recipe.prune import Prune
from notebake.recipe.rebake import PreviousImage, Rebake, find_in_rebake

Approvable = Literal["bake", "share", "delete"]


class Recipe(Part):
    """What is wanted: one image, and how it is made and proven."""

    name: Name
    """Name of the recipe; part of the image's name."""
    description: Annotated[str, StringConstraints(max_length=200)] = ""
    """One line for the image's description."""
    region: Region = "us-west-2"
    """AWS region."""
    base_image: BaseImage = BaseImage()
    """The image to start from; Ubuntu 24.04 by default."""
    instance_types: Annotated[tuple[InstanceType, ...], Field(min_length=1)] = ("m6i.large",)
    """Types for the builder, in order of preference."""
    network: Network = Network()
    """Where the machines stand and who may reach them."""
    encryption: Encryption = Encryption()
    """How the disks are encrypted."""
    share_with: tuple[Recipient, ...] = ()
    """Who may launch the accepted image: accounts, which may copy it, too; ARNs of organizations
    and of organizational units."""
    root_volume: RootVolume = RootVolume()
    """The root disk."""
    volumes: Annotated[tuple[Volume, ...], Field(max_length=15)] = ()
    """Data disks on EBS."""
    instance_store: InstanceStore | None = None
    """Use the temporary disks of the instance type, if it has any; `{}` for the defaults."""
    efs: Annotated[tuple[Efs, ...], Field(max_length=8)] = ()
    """Amazon EFS file systems that servers share. No bake mounts them, and no image holds them."""
    efs_client: EfsClient = EfsClient()
    """The program that mounts them; installed only if `efs` names one."""
    software: Software = Software()
    """What is installed."""
    datasets: tuple[Dataset, ...] = ()
    """What is copied on to the machine."""
    repository: Repository | None = None
    """The git repository that is cloned."""
    notebook: Notebook = Notebook()
    """The notebook that proves the machine."""
    credentials: Credentials = Credentials()
    """What the search for credentials lets pass."""
    jupyter_port: Annotated[int, Field(ge=1024, le=65535, strict=True), UNQUOTED] = 8887
    """Port of JupyterLab on the machine's loopback address."""
    tags: dict[str, str] = Field(default={})
    """Tags for everything that is made, such as Name, Project, Date, Owner."""
    award: Annotated[tuple[Award, ...], Field(max_length=20)] = ()
    """The award that pays, or a list of several with their shares. It rebuilds nothing."""
    lease_hours: Annotated[float, Field(ge=0.25, le=72, strict=True), UNQUOTED] = 6
    """Temporary things end by themselves so many hours after the run last renewed them."""
    scheduler_role: RoleArn | None = None
    """Role by which EventBridge ends machines after their lease, also those that never booted."""
    on_failure: Literal["keep", "tear_down"] = "keep"
    """After a failure, Ctrl-C or *Cancel* keep the machine, within its lease, or remove all."""
    acceptance: Acceptance = Acceptance()
    """How the image is proven."""
    rebake: Rebake | None = None
    """When a schedule bakes a newer image; `{}` for the defaults. It rebuilds nothing by itself."""
    prune: Prune | None = None
    """Which of its images go, and when; `{}` for the defaults. Without it all of them stay."""
    approve: tuple[Approvable, ...] = ()
    """What a person is asked for before: `bake` (a launch), `share`, `delete` (old images)."""
    approval_days: Annotated[float, Field(ge=0.001, le=90, strict=True), UNQUOTED] = 7
    """So many days a question stands; after them it is a no, and the run fails."""

    def contradictions(self) -> Iterator[Contradiction]:
        yield from repeated("instance_types", self.instance_types)
        yield from repeated("share_with", self.share_with)
        yield from repeated("approve", self.approve)
        yield from find_in_encryption(self.encryption, self.region, self.share_with)
        yield from find_in_architecture(self.base_image, self.instance_types, self.acceptance)
        yield from find_in_disks(self.volumes, self.instance_store)
        yield from find_in_folders(
            self.repository_path, self.datasets, self.volumes, self.instance_store
        )
        yield from find_in_efs(self.efs, self.efs_client, self.volumes, self.instance_store)
        yield from find_on_efs(self.efs, self.repository_path, self.datasets)
        yield from find_in_notebook(self.notebook, self.repository)
        yield from find_in_tags(self.tags)
        yield from find_in_awards(self.award)
        yield from find_in_rebake(self.rebake, self.software)

    @property
    def repository_path(self) -> str | None:
        """Where the clone lies on the host; None without a repository."""
        if self.repository is None:
            return None
        home = f"/home/{self.base_image.user}"
        return self.repository.path or f"{home}/{self.repository.folder_name}"

    @property
    def packages_until(self) -> str | None:
        """Python packages are installed as their index had them then; None: as it has them."""
        return self.rebake.until if self.rebake else None

    @property
    def packages_at_once(self) -> tuple[str, ...]:
        """Python packages for which that date does not count, as indexes compare names."""
        if self.rebake is None or not self.rebake.until:
            return ()
        names = (re.sub(r"[-_.]+", "-", name).lower() for name in self.rebake.cooldown_except)
        return tuple(sorted(names))

    @property
    def rebake_began(self) -> str | None:
        """When a rebake began, which brings the distribution's packages up to date; else None."""
        return self.rebake.began if self.rebake else None

    @property
    def previous(self) -> PreviousImage | None:
        """The image before, if a rebake starts from it."""
        return self.rebake.previous if self.rebake else None

    @property
    def start_image(self) -> BaseImage:
        """The image that the builder is launched from: the base image, or the image before."""
        if self.previous is None:
            return self.base_image
        return BaseImage(image_id=self.previous.image_id, user=self.base_image.user)

    @property
    def start_volumes(self) -> tuple[Volume, ...]:
        """The data disks of the builder, each from its snapshot in the image before if it has one.

        A volume that is not in that image is made as the recipe says.
        """
        snapshots = self.previous.snapshots if self.previous else {}
        return tuple(
            volume.model_copy(update={"snapshot_id": snapshots[volume.name]})
            if volume.name in snapshots
            else volume
            for volume in self.volumes
        )

    @property
    def lasting(self) -> tuple[object, ...]:
        """The parts whose products stay on disks, and that no later step takes away again."""
        clone = self.repository and (self.repository.url, self.repository_path)
        software = (self.software.manager, self.software.apt)
        return (
            *(self.region, self.base_image, self.encryption, self.root_volume, self.volumes),
            *(self.instance_store, self.efs, self.efs_client, self.datasets, clone, software),
        )

    def with_rebake_of(self, earlier: "Recipe") -> "Recipe":
        """Return the recipe with what a rebake has set in an earlier version of it.

        The image before is no start any more if something of it would have to be taken away.
        """
        if not self.rebake or not earlier.rebake:
            return self
        known: dict[str, object] = {
            "began": self.rebake.began or earlier.rebake.began,
            "until": self.rebake.until,
        }
        if self.rebake.cooldown_days:
            known["until"] = self.rebake.until or earlier.rebake.until
        keeps = self.rebake.generations and self.lasting == earlier.lasting
        previous = self.rebake.previous or (earlier.rebake.previous if keeps else None)
        known |= {"previous": previous}
        return self.model_copy(update={"rebake": self.rebake.model_copy(update=known)})
