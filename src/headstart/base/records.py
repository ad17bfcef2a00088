"""Records: frozen dataclasses that turn into plain values (for JSON, TOML) and back, and are checked on the way."""

from __future__ import annotations

import dataclasses
import tomllib
import types
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import tomli_w

from headstart.base.errors import InputError

R = TypeVar("R")
FAULT_CHARACTERS = 200  # of what the parser says


def to_plain(value: Any) -> Any:
    """Turn records, tuples, paths and mappings into dicts, lists and scalars that JSON and TOML can hold."""
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [to_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def from_plain(record: type[R], plain: Any, where: str = "") -> R:
    """Build a record from plain values; unknown names, missing names and wrong types are refused together.

    Args:
        record: A dataclass type.
        plain: What JSON or TOML gave.
        where: The file it came from, for the message.

    Raises:
        InputError: with one line per fault.
    """
    faults: list[str] = []
    built = _build(record, plain, "", faults)
    if faults:
        raise InputError(f"{where or record.__name__} cannot be read", details=faults)
    return typing.cast(R, built)


def to_toml(value: Any) -> str:
    """TOML text of a record; TOML has no null, so names whose value is None are left out."""
    return tomli_w.dumps(_without_none(to_plain(value)), multiline_strings=False)


def read_toml(record: type[R], path: Path) -> R:
    """Read a record from a TOML file.

    Raises:
        InputError: when it is not TOML, or not of that record.
    """
    try:
        plain = tomllib.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OverflowError, RecursionError) as error:  # not TOML, or dates, numbers and nesting that Python does not hold
        raise InputError(f"{path} is not TOML", got=str(error)[:FAULT_CHARACTERS], fix=f"mend it in an editor, or write it anew: {path}") from None
    return from_plain(record, plain, str(path))


def _without_none(plain: Any) -> Any:
    if isinstance(plain, dict):
        return {key: _without_none(item) for key, item in plain.items() if item is not None}
    if isinstance(plain, list):
        return [_without_none(item) for item in plain]
    return plain


def _build(kind: Any, plain: Any, path: str, faults: list[str]) -> Any:
    if dataclasses.is_dataclass(kind):
        return _build_record(kind, plain, path, faults)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, types.UnionType):
        if plain is None and type(None) in arguments:
            return None
        options = [option for option in arguments if option is not type(None)]
        return _build_union(options, plain, path, faults)
    if origin is tuple and isinstance(plain, (list, tuple)):
        inner = arguments[:1] * len(plain) if arguments[1:] == (...,) else arguments
        if len(inner) == len(plain):
            return tuple(_build(one, item, f"{path}[{n}]", faults) for n, (one, item) in enumerate(zip(inner, plain, strict=True)))
    if (origin is dict or (isinstance(origin, type) and issubclass(origin, Mapping))) and isinstance(plain, dict):
        return {key: _build(arguments[1], item, f"{path}.{key}", faults) for key, item in plain.items()}
    if origin is typing.Literal and plain in arguments:
        return plain
    if kind is Any or (kind is float and type(plain) in (int, float)):
        return float(plain) if kind is float else plain
    if isinstance(kind, type) and type(plain) is kind:
        return plain
    faults.append(f"{path.lstrip('.')}: expected {getattr(kind, '__name__', kind)}, got {plain!r}")
    return None


def _build_union(options: list[Any], plain: Any, path: str, faults: list[str]) -> Any:
    nearest: list[str] | None = None
    for option in options:
        tried: list[str] = []
        built = _build(option, plain, path, tried)
        if not tried:
            return built
        if dataclasses.is_dataclass(option) and (nearest is None or len(tried) < len(nearest)):
            nearest = tried
    if nearest is not None and isinstance(plain, dict):  # the record that was meant is the one with the fewest faults
        faults.extend(nearest)
        return None
    faults.append(f"{path.lstrip('.')}: expected {' or '.join(str(o) for o in options)}, got {plain!r}")
    return None


def _build_record(kind: Any, plain: Any, path: str, faults: list[str]) -> Any:
    if not isinstance(plain, dict):
        faults.append(f"{path.lstrip('.') or kind.__name__}: expected a table, got {plain!r}")
        return None
    hints = typing.get_type_hints(kind)
    fields = {field.name: field for field in dataclasses.fields(kind) if field.init}
    before = len(faults)
    faults.extend(f"{path.lstrip('.')}.{name}: unknown name".lstrip(".") for name in sorted(plain.keys() - fields.keys()))
    values = {}
    for name, field in fields.items():
        required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if name in plain:
            values[name] = _build(hints[name], plain[name], f"{path}.{name}", faults)
        elif required and type(None) in typing.get_args(hints[name]):
            values[name] = None
        elif required:
            faults.append(f"{path}.{name}: missing".lstrip("."))
    if len(faults) > before:
        return None
    try:
        return kind(**values)
    except (ValueError, InputError) as error:
        faults.append(f"{path.lstrip('.') or kind.__name__}: {error}")
        return None
