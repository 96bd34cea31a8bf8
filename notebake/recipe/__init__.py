"""The recipe: the description of an image, as one frozen record read from one YAML file.

`recipe` is the whole; `machine`, `efs`, `content`, `credentials`, `award`, `rebake` and `prune` are
its parts, `fields` the kinds of text in them; `file` reads it, with `strict_yaml` and
`requirements`; `faults` and `messages` describe faults, `part` has their base class and places;
`cross_checks` finds contradictions.
"""

from notebake.recipe.award import Award
from notebake.recipe.content import Acceptance, Dataset, Notebook, Repository, Software
from notebake.recipe.efs import Efs, EfsClient
from notebake.recipe.machine import (
    UBUNTU_2404,
    BaseImage,
    Encryption,
    EncryptionMode,
    FileSystem,
    InstanceStore,
    Network,
    RootVolume,
    Volume,
)
from notebake.recipe.part import Part
from notebake.recipe.prune import Prune
from notebake.recipe.rebake import PreviousImage, Rebake
from notebake.recipe.recipe import Recipe

__all__ = [
    "UBUNTU_2404",
    "Acceptance",
    "Award",
    "BaseImage",
    "Dataset",
    "Efs",
    "EfsClient",
    "Encryption",
    "EncryptionMode",
    "FileSystem",
    "InstanceStore",
    "Network",
    "Notebook",
    "Part",
    "PreviousImage",
    "Prune",
    "Rebake",
    "Recipe",
    "Repository",
    "RootVolume",
    "Software",
    "Volume",
]
