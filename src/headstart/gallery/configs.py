"""Configurations of downloaded models choose numbers, never code: the plain values of a ``config.json`` in, the harmless part of them out, or a refusal.

Keys that name code (CVE-2026-4372, CVE-2026-5241 and their like), kernels fetched from a hub and expressions made to run for ever are refused;
chat templates, which are programs in Jinja, are left out: nothing here renders one.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from headstart.base.errors import InputError

FILE_LIMIT_BYTES = 64 << 20  # a tokenizer.json of 250,000 words has 20 MB
DEPTH_LIMIT = 32
VALUES_LIMIT = 4_000_000
# Keys by which libraries load code that came with a model. `_target_` is Hydra's, `class_path` Lightning's, `py/object` jsonpickle's.
CODE = frozenset({"auto_map", "custom_code", "custom_pipelines", "trust_remote_code", "remote_code", "code_revision", "_target_", "class_path", "py/object"})
PROGRAMS = frozenset({"chat_template", "chat_templates", "chat_template_jinja"})
KERNELS = frozenset({"attn_implementation", "_attn_implementation", "_attn_implementation_internal", "experts_implementation", "_experts_implementation"})
EXPRESSION_LIMIT = 1_000  # letters; the longest in use (GPT-4o's) has 250
UNBOUNDED = ("*", "+")
_TIMES = re.compile(r"\{(\d*)(,?)(\d*)\}")


def read_plain(path: Path) -> Any:
    """Read a JSON file of a downloaded model, of which its reader picks values by name.

    Raises:
        InputError: when it is too large or no JSON.
    """
    if path.stat().st_size > FILE_LIMIT_BYTES:
        raise InputError(
            f"{path.name} is larger than any configuration should be", got=f"{path.stat().st_size:,} bytes", allowed=[f"{FILE_LIMIT_BYTES:,} bytes"]
        )
    try:
        return json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path.name} is not JSON", got=str(error)[:120]) from None


def read_config(path: Path) -> dict[str, Any]:
    """Read a JSON configuration of a downloaded model and check it.

    Raises:
        InputError: when it is too large, no JSON table, or chooses code.
    """
    found = read_plain(path)
    if not isinstance(found, dict):
        raise InputError(f"{path.name} is no table of names and values")
    return check_config(found, path.name)


def check_config(config: Mapping[str, Any], where: str = "the model's configuration") -> dict[str, Any]:
    """Check a configuration and give it without its programs.

    Args:
        config: The plain values of ``config.json``, ``tokenizer_config.json`` or ``tokenizer.json``.
        where: What it is, for the message.

    Returns:
        A copy without chat templates at its top.

    Raises:
        InputError: when it names code, a kernel to fetch, or an expression that may never end; all of them at once.
    """
    faults = list(dict.fromkeys(_faults(config)))
    if faults:
        fix = "headstart runs no code that comes with a model: choose another model, or one with a card: headstart gallery list"
        raise InputError(f"{where} chooses code", details=faults[:20], fix=fix)
    return {str(key): value for key, value in config.items() if key not in PROGRAMS}


def _faults(config: Mapping[str, Any]) -> Iterator[str]:
    open_: list[tuple[str, Any, int]] = [("", config, 0)]
    seen = 0
    while open_:
        path, value, depth = open_.pop()
        seen += 1
        if depth > DEPTH_LIMIT or seen > VALUES_LIMIT:
            yield "it is nested too deeply or too large"
            return
        if isinstance(value, Mapping):
            for key, inner in value.items():
                name = str(key)
                yield from _fault(name, inner, f"{path}.{name}".lstrip("."))
                if isinstance(inner, (Mapping, list, tuple)):
                    open_.append((f"{path}.{name}", inner, depth + 1))
        elif isinstance(value, (list, tuple)):
            open_ += [(f"{path}[]", inner, depth + 1) for inner in value if isinstance(inner, (Mapping, list, tuple))]


def _fault(name: str, value: Any, path: str) -> Iterator[str]:
    shown = ascii(path if len(path) <= 80 else f"…{path[-80:]}")
    if name in CODE and value not in (False, None, "", {}, []):
        yield f"{shown} names code to be loaded"
    if name in KERNELS and isinstance(value, str) and ("/" in value or ":" in value):
        yield f"{shown} names a kernel to be fetched"
    if name == "Regex" and isinstance(value, str) and may_run_for_ever(value):
        yield f"{shown} is an expression that may never end"


def may_run_for_ever(expression: str) -> bool:
    """Whether an expression is very long, or repeats more than once what itself repeats a changing number of times: ``(a+)+``, ``(a+){1,50}``.

    Source: Davis, Coghlan, Servant, Lee 2018, "The impact of regular expression denial of service in practice" (star height above one).

    Example:
        >>> may_run_for_ever("(a+)+b"), may_run_for_ever("'s|[^a-z]?[a-z]+(?i:x)?| ?[0-9]{1,3}")
        (True, False)
    """
    if len(expression) > EXPRESSION_LIMIT:
        return True
    groups, place, closed = [False], 0, False  # for each open group: does it hold such a repetition? closed: the last atom was a group that does
    while place < len(expression):
        letter = expression[place]
        if letter == "\\":
            place, closed = place + 1, False
        elif letter == "[":
            place, closed = _end_of_class(expression, place), False
        elif letter == "(":
            groups.append(False)
            closed = False
        elif letter == ")" and len(groups) > 1:
            closed = groups.pop()
            groups[-1] |= closed
        elif (times := _times(expression, place)) is not None:
            least, most, place = times
            if closed and most > 1:
                return True
            groups[-1] |= most > max(least, 1)
        elif letter not in "?}":
            closed = False
        place += 1
    return False


def _times(expression: str, place: int) -> tuple[float, float, int] | None:
    """How often at least and at most an atom is repeated by what stands at a place, and where that ends; None where nothing repeats."""
    if expression[place] in UNBOUNDED:
        return 0, math.inf, place
    found = _TIMES.match(expression, place)
    if found is None or not (found[1] or found[3]):
        return None  # a brace that stands for itself
    least = float(found[1] or 0)
    return least, float(found[3] or math.inf) if found[2] else least, found.end() - 1


def _end_of_class(expression: str, place: int) -> int:
    depth = 0
    while place < len(expression):
        letter = expression[place]
        if letter == "\\":
            place += 1
        elif letter == "[":
            depth += 1
        elif letter == "]":
            depth -= 1
            if not depth:
                return place
        place += 1
    return place
