"""A plugin of pytest: garbage is collected as in a service.

Python's own thresholds cost these tests a tenth more processor time.
"""

from shared.kit.http.garbage_collection import collect_little, collect_rarely


def pytest_configure() -> None:
    collect_rarely()


def pytest_collection_finish() -> None:
    collect_little()
