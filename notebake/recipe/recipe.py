"""The whole recipe. Every field has its unit in its name and its default here."""

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
from notebake.recipe.fields import UNQUOTED, AccountId, InstanceType, Name, Region, RoleArn
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
from notebake.recipe.rebake import Rebake, find_in_rebake


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
    share_with: tuple[AccountId, ...] = ()
    """Accounts that may launch the accepted image."""
    root_volume: RootVolume = RootVolume()
    """The root disk."""
    volumes: Annotated[tuple[Volume, ...], Field(max_length=15)] = ()
    """Data disks on EBS."""
    instance_store: InstanceStore | None = None
    """Use the temporary disks of the instance type, if it has any; `{}` for the defaults."""
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

    def contradictions(self) -> Iterator[Contradiction]:
        yield from repeated("instance_types", self.instance_types)
        yield from repeated("share_with", self.share_with)
        yield from find_in_encryption(self.encryption, self.region, self.share_with)
        yield from find_in_architecture(self.base_image, self.instance_types, self.acceptance)
        yield from find_in_disks(self.volumes, self.instance_store)
        yield from find_in_folders(
            self.repository_path, self.datasets, self.volumes, self.instance_store
        )
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

    def with_date_of(self, earlier: "Recipe") -> "Recipe":
        """Return the recipe with the date that a rebake has set in an earlier version of it."""
        until = earlier.packages_until
        if not until or not self.rebake or self.rebake.until or not self.rebake.cooldown_days:
            return self
        rebake = self.rebake.model_copy(update={"until": until})
        return self.model_copy(update={"rebake": rebake})
