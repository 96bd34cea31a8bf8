"""The recipes that are built while something goes wrong."""

from notebake.recipe import Volume
from tests.kills.whole_run import make_recipe

NEW_VOLUMES = (Volume(name="data", mount_point="/data", size_gib=1),)
RECIPES = {
    # A user's own volume dictates the zone: without one, each zone may be tried.
    "plain": make_recipe().model_copy(
        update={"volumes": NEW_VOLUMES, "instance_types": ("m5.large", "t3.large")}
    ),
    "with a volume of the user's": make_recipe(),
}
