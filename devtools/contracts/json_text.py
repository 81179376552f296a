"""The text of generated JSON files."""

from collections.abc import Mapping

import orjson


def json_text(document: Mapping[str, object]) -> str:
    """`document` as an indented text that ends with a new line; keys keep their order."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE | orjson.OPT_NON_STR_KEYS
    return orjson.dumps(document, option=options).decode()
