"""Placeholder so that the interface can be imported."""

from collections.abc import Callable

from devtools.engines.recipe import EnginePlace, Launch


class Cassandra:
    def fetch(self, progress: Callable[[str], None]) -> None:
        raise NotImplementedError

    def prepare(self, place: EnginePlace) -> Launch:
        raise NotImplementedError

    def answers(self, place: EnginePlace) -> bool:
        raise NotImplementedError
