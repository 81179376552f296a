"""The numbers of contracts, held to the settings, constants and variables that they name."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from pydoc import locate

from devtools.contracts.consistency import Files
from shared.testing.contracts.files import Finding
from shared.testing.contracts.schema import Number
from shared.testing.yaml_source import load

Settings = Mapping[str, Mapping[str, object]]
"""The values of the settings of each service that has code."""


def differing(root: Path, files: Files, settings: Settings) -> Iterator[Finding]:
    """Numbers that the code has otherwise, or doesn't have."""
    for file in files.values():
        for name, number in file.contract.numbers.items():
            for source, value in _sources(root, number, settings):
                if value is None:
                    what = f"{name} is {source}, and there is no such thing"
                    yield file.finding(what, "numbers", name)
                elif value != number.value:
                    what = f"{name} is {number.value!r}, and {source} is {value!r}"
                    yield file.finding(f"{what}: make them the same", "numbers", name)


def _sources(root: Path, number: Number, settings: Settings) -> Iterator[tuple[str, object]]:
    if number.constant:
        yield number.constant, locate(number.constant)
    if number.environment:
        yield number.environment, _variable(root, number.environment)
    for setting in number.settings:
        service, _, field = setting.partition(".")
        if service in settings:
            yield setting, settings[service].get(field)


def _variable(root: Path, source: str) -> object:
    service, _, name = source.partition(".")
    compose = load((root / "docker-compose.yml").read_text())
    text = compose["services"].get(service, {}).get("environment", {}).get(name)
    return load(text) if text else None
