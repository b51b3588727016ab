"""Frozen dataclasses as JSON objects and back: each field says what it means, so that documentation is made from it."""

from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, field, fields, is_dataclass
from functools import lru_cache
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

Record = TypeVar("Record")


def entry(
    words: str,
    *,
    key: str = "",
    flat: bool = False,
    optional: bool = False,
    default: Any = MISSING,
    factory: Any = None,
) -> Any:
    """A field of a record.

    Args:
        words: what it means, with its unit.
        key: its name in JSON where that is not a name of Python.
        flat: its own entries stand among those of the record that holds it.
        optional: None is absent from the JSON; otherwise it is null.
        default: its value where the JSON lacks it; there must be one of what a newer version added.
        factory: makes that value anew.
    """
    metadata = {"words": words, "key": key, "flat": flat, "optional": optional}
    if factory is not None:
        return field(metadata=metadata, default_factory=factory)
    return field(metadata=metadata, default=None if optional and default is MISSING else default)


def to_json(value: Any) -> Any:
    """A record as plain dictionaries, lists and numbers."""
    if is_dataclass(value):
        found: dict[str, Any] = {}
        for one in fields(value):
            content = getattr(value, one.name)
            if content is None and (_flat(one) or one.metadata.get("optional")):
                continue
            found |= to_json(content) if _flat(one) else {json_key(one): to_json(content)}
        return found
    if isinstance(value, Mapping):
        return {name: to_json(content) for name, content in value.items()}
    return [to_json(content) for content in value] if isinstance(value, list | tuple) else value


def from_json(record: type[Record], data: Any) -> Record:
    """The record that `to_json` made `data` of; what a newer version added to the JSON is passed over.

    Raises:
        ValueError: an entry is missing or of another type; the message names it.
    """
    if not isinstance(data, Mapping):
        raise ValueError(f"{record.__name__} is not a JSON object")
    hints = record_types(record)  # type: ignore[arg-type]
    known = {key for one in fields(record) for key in _keys(one, hints[one.name])}  # type: ignore[arg-type]
    values = {}
    for one in fields(record):  # type: ignore[arg-type]
        kind, key = hints[one.name], json_key(one)
        if _flat(one):
            own = {name: content for name, content in data.items() if name not in known}
            values[one.name] = _flat_value(kind, data, own)
        elif key in data:
            values[one.name] = _value(kind, data[key], key)
        elif one.default is MISSING and one.default_factory is MISSING:
            raise ValueError(f"it lacks {key!r}")
    return record(**values)


@lru_cache(maxsize=64)
def record_types(record: type) -> dict[str, Any]:
    """The type of each field."""
    return get_type_hints(record)


def json_key(one: Field[Any]) -> str:
    """The name of a field in JSON."""
    return str(one.metadata.get("key") or one.name)


def record_in(kind: Any) -> type | None:
    """The record that a field of this type is, has, or lists."""
    if isinstance(kind, type) and is_dataclass(kind):
        return kind
    return next((found for inside in get_args(kind) if (found := record_in(inside))), None)


def _flat(one: Field[Any]) -> bool:
    return bool(one.metadata.get("flat"))


def _keys(one: Field[Any], kind: Any) -> set[str]:
    """The names in JSON that a field takes, not counting those of a flat dictionary."""
    if not _flat(one):
        return {json_key(one)}
    inside = record_in(kind)
    return {key for two in fields(inside) for key in _keys(two, record_types(inside)[two.name])} if inside else set()


def _flat_value(kind: Any, data: Mapping[str, Any], rest: Mapping[str, Any]) -> Any:
    """Of a flat dictionary what no other field takes; of a flat record None where it may be and nothing of it is."""
    inside = record_in(kind)
    if inside is None:
        return _value(kind, rest, "")
    needed = {json_key(one) for one in fields(inside) if one.default is MISSING and not _flat(one)}
    return None if NoneType in get_args(kind) and not needed & set(data) else from_json(inside, data)


def _value(kind: Any, data: Any, key: str) -> Any:
    origin, inside = get_origin(kind), get_args(kind)
    if origin is UnionType:
        return None if data is None else _value(next(one for one in inside if one is not NoneType), data, key)
    if origin is dict:
        _check(isinstance(data, Mapping), key, data)
        return {str(name): _value(inside[1], content, str(name)) for name, content in data.items()}
    if origin in (tuple, list):
        _check(isinstance(data, Sequence) and not isinstance(data, str), key, data)
        return origin(_value(inside[0], content, key) for content in data)
    if record_in(kind):
        return from_json(kind, data)
    numbers = isinstance(data, int) and kind is float and not isinstance(data, bool)
    _check(kind is Any or isinstance(data, kind) or numbers, key, data)
    return float(data) if numbers else data


def _check(fits: bool, key: str, data: Any) -> None:
    if not fits:
        raise ValueError(f"{key!r} cannot be {str(data)[:40]!r}")
