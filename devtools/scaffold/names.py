"""Words that can't name a feature, a thing or a field."""

import builtins
import keyword

_SQL = """
    all analyse analyze and any array as asc asymmetric authorization between bigint binary bit
    boolean both case cast char check coalesce collate collation column concurrently constraint
    create cross current_date current_role current_time current_timestamp current_user default
    deferrable desc distinct do else end except exists extract false fetch float for foreign freeze
    from full grant greatest group grouping having ilike in initially inner inout int integer
    intersect interval into is isnull join lateral leading least left like limit localtime
    localtimestamp national natural nchar none not notnull null nullif numeric offset on only or
    order out outer overlaps overlay placing position precision primary real references returning
    right row select session_user setof similar smallint some substring symmetric system_user table
    tablesample then time timestamp to trailing treat trim true union unique user using values
    varchar variadic verbose when where window with
"""
_MODELS = "construct copy dict json schema validate self cls"
RESERVED = frozenset(
    [*_SQL.split(), *_MODELS.split(), *dir(builtins), *keyword.kwlist, *keyword.softkwlist]
)
"""PostgreSQL's reserved words, Python's keywords and builtins, names of pydantic's models."""
