"""Which recipe stands for which engine image of docker-compose.yml."""

from devtools.engines.cassandra import Cassandra
from devtools.engines.postgres import Postgres
from devtools.engines.recipe import EngineError, EngineInstance, Recipe
from devtools.engines.valkey import Valkey

__all__ = ["EngineError", "EngineInstance", "Recipe", "recipe_for"]

RECIPES: dict[str, type[Recipe]] = {
    "postgres:18": Postgres,
    "valkey/valkey:9": Valkey,
    "cassandra:5.0": Cassandra,
}


def recipe_for(image: str) -> Recipe:
    """The recipe that stands for this image, tag included; EngineError when there is none."""
    if image not in RECIPES:
        known = ", ".join(RECIPES)
        raise EngineError(f"No engine recipe for the image {image!r}; there are: {known}.")
    return RECIPES[image]()
