"""The numbers of contracts, held to the settings, constants and variables that they name."""

import importlib
from collections.abc import Iterator, Mapping
from pathlib import Path

import yaml

from devtools.contracts.consistency import Files
from shared.testing.contracts.files import ContractFile, Finding
from shared.testing.contracts.schema import Number

Settings = Mapping[str, Mapping[str, object]]
"""The values of the settings of each service that has code."""


def differing(root: Path, files: Files, settings: Settings) -> Iterator[Finding]:
    """Numbers that the code has otherwise, or doesn't have."""
    for file in files.values():
        for name, number in file.contract.numbers.items():
            if number.constant:
                yield from _compared(file, name, number, number.constant, _constant(number))
            elif number.environment:
                value = _variable(root, number.environment)
                yield from _compared(file, name, number, number.environment, value)
            for setting in number.settings:
                service, _, field = setting.partition(".")
                if service in settings:
                    value = settings[service].get(field)
                    yield from _compared(file, name, number, setting, value)


def _compared(
    file: ContractFile, name: str, number: Number, source: str, value: object
) -> Iterator[Finding]:
    if value is None:
        yield file.finding(f"{name} is {source}, and there is no such thing", "numbers", name)
    elif value != number.value:
        what = f"{name} is {number.value!r}, and {source} is {value!r}: make them the same"
        yield file.finding(what, "numbers", name)


def _constant(number: Number) -> object:
    module, _, name = (number.constant or "").rpartition(".")
    try:
        return getattr(importlib.import_module(module), name, None)
    except (ImportError, ValueError):
        return None


def _variable(root: Path, source: str) -> object:
    service, _, name = source.partition(".")
    compose = yaml.safe_load((root / "docker-compose.yml").read_text())
    text = compose["services"].get(service, {}).get("environment", {}).get(name)
    return yaml.safe_load(text) if text else None
