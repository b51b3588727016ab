"""The documentation of a JSON object, as tables in Markdown, made from its records."""

from dataclasses import fields
from types import NoneType, UnionType
from typing import Any, get_args, get_origin

from redwood_depth.evaluation.records import json_key, record_in, record_types

_PLAIN = {str: "text", int: "integer", float: "number", bool: "true or false", Any: "anything"}


def tables(*roots: type) -> str:
    """A table for each record, and for each one that it holds, in the order in which they are met."""
    return "\n".join(_table(record) for record in _held(roots))


def _held(roots: tuple[type, ...]) -> list[type]:
    found: list[type] = []
    waiting = list(roots)
    while waiting:
        record = waiting.pop(0)
        if record not in found:
            found.append(record)
            kinds = record_types(record)
            waiting += [inside for one in fields(record) if (inside := record_in(kinds[one.name]))]
    return found


def _table(record: type) -> str:
    lines = [f"### {record.__name__}", "", " ".join((record.__doc__ or "").split()), "", "| key | type | meaning |"]
    lines.append("|---|---|---|")
    kinds = record_types(record)
    for one in fields(record):
        kind, words = kinds[one.name], one.metadata["words"]
        if one.metadata["optional"]:
            words = f"{words}; may be absent"
        if one.metadata["flat"]:
            inside = record_in(kind)
            name = f"*the entries of {inside.__name__}*" if inside else "*any other*"
            lines.append(f"| {name} | {'' if inside else _words(kind)} | {words} |")
        else:
            lines.append(f"| `{json_key(one)}` | {_words(kind, one.metadata['optional'])} | {words} |")
    return "\n".join([*lines, ""])


def _words(kind: Any, absent: bool = False) -> str:
    """A type in words; of one that is absent from the JSON where it is None, not that it may be null."""
    origin, inside = get_origin(kind), get_args(kind)
    if origin is UnionType:
        (plain,) = (one for one in inside if one is not NoneType)
        return _words(plain) if absent else f"{_words(plain)} or null"
    if origin is dict:
        return f"object of {_words(inside[1])} by name"
    if origin in (list, tuple):
        return f"list of {_words(inside[0])}"
    return _PLAIN.get(kind) or kind.__name__
