"""A plugin of pytest: garbage is collected as in a service, where Python's way takes a tenth."""

from shared.kit.http.garbage_collection import collect_little, collect_rarely


def pytest_configure() -> None:
    collect_rarely()


def pytest_collection_finish() -> None:
    collect_little()
