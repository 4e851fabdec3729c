"""What the fields of a spec mean: their tree, a did-you-mean for wrong ones, and pydantic's findings put into words and placed."""

from __future__ import annotations

import difflib
import functools
import re
import types
import typing
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from ryot.errors import MOST_ERRORS, SpecError, printable
from ryot.measures import Target
from ryot.spec.spec import Spec
from ryot.spec.target import TargetMap
from ryot.spec.yaml_tree import Located


@dataclass(frozen=True, slots=True)
class Entry:
    """One field of the spec: `train.lr`, what it means, its type and default in words, and the section it opens, if it does."""

    path: str
    about: str
    kind: str
    default: str
    unit: str


@functools.cache
def fields() -> tuple[Entry, ...]:
    """Every field of the spec, sections before what is in them. Items of lists are written `[]`, of free maps `*`."""
    return tuple(_fields(Spec, ""))


@functools.cache
def _by_path() -> dict[str, Entry]:
    return {entry.path: entry for entry in fields()}


@functools.cache
def _by_name() -> dict[str, list[str]]:
    """The paths that end in a name. A spec may have thousands of unknown keys, and each is looked for."""
    found: dict[str, list[str]] = {}
    for entry in fields():
        found.setdefault(entry.path.rpartition(".")[2], []).append(entry.path)
    return found


@functools.cache
def _names_in(section: str) -> tuple[str, ...]:
    return tuple(path.rpartition(".")[2] for path in _by_path() if path.rpartition(".")[0] == section)


def _fields(model: type[BaseModel], prefix: str) -> Iterator[Entry]:
    for name, info in model.model_fields.items():
        path = prefix + (info.alias or name)
        yield Entry(path, " ".join((info.description or "").split()), _kind(info.annotation), _default(info), _unit(info))
        for suffix, inner in _models(info.annotation):
            yield from _fields(inner, f"{path}{suffix}.")


def _models(annotation: Any, suffix: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    if annotation is Target:  # what a spec says is its written form
        annotation = TargetMap
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield suffix, annotation
        return
    origin = typing.get_origin(annotation)
    mark = "[]" if origin in (tuple, list) else ".*" if origin is dict else ""
    for argument in typing.get_args(annotation):
        if not isinstance(argument, str):
            yield from _models(argument, suffix + mark)


def _kind(annotation: Any) -> str:
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Literal:
        return " | ".join(map(str, arguments))
    if origin in (types.UnionType, typing.Union):
        return " | ".join(_kind(argument) for argument in arguments if argument is not types.NoneType)
    if origin is typing.Annotated:
        return _kind(arguments[0])
    if origin in (tuple, list):
        return f"list of {_kind(arguments[0])}"
    if origin is dict:
        return f"map to {_kind(arguments[1])}"
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return {"str": "text", "int": "whole number", "float": "number", "bool": "true | false"}.get(getattr(annotation, "__name__", ""), "any")


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "required"
    value = info.get_default(call_default_factory=True)
    if value is None or value in ((), {}):
        return "none"
    if isinstance(value, BaseModel):
        return "its own defaults"
    if isinstance(value, bool):
        return str(value).lower()
    return f"{value:g}" if isinstance(value, float) else str(value)


def _unit(info: FieldInfo) -> str:
    inside = [mark for argument in typing.get_args(info.annotation) for mark in getattr(argument, "__metadata__", ())]
    extras = [mark.json_schema_extra for mark in [info, *inside] if isinstance(mark, FieldInfo)]
    return next((str(extra["unit"]) for extra in extras if isinstance(extra, Mapping) and "unit" in extra), "")


def suggest(path: str) -> str | None:
    """Where a key that does not exist at `path` may have been meant: the nearest name beside it, or the same name elsewhere."""
    parent, _, name = path.rpartition(".")
    beside = _names_in(parent)
    near = _nearest(name, beside, 0.6)
    if elsewhere := _by_name().get(name):
        home = min(elsewhere, key=lambda entry: (abs(entry.count(".") - path.count(".")), len(entry)))
        belongs = f"`{name}` belongs at {home if '.' in home else 'the top of the spec'}"
        return f"did you mean `{near[0]}`? or {belongs}" if near else belongs
    if near:
        return f"did you mean `{near[0]}`?"
    if near := _nearest(name, _by_name(), 0.75):
        return f"did you mean {_by_name()[near[0]][0]}?"
    return f"here may stand: {', '.join(sorted(beside))}" if beside else None


def _nearest(name: str, names: Iterable[str], least: float) -> list[str]:
    """The name most like another by difflib's ratio, if that is at least `least`. Names with too few letters of it to reach that are
    passed over first: for thousands of unknown keys difflib takes most of a second."""
    able = [other for other in names if 2 * sum(map(other.__contains__, name)) >= least * (len(name) + len(other))]
    return difflib.get_close_matches(name, able, 1, least)


def _generic(path: Sequence[str | int]) -> str:
    """A path of a spec as `fields` writes it: `bench.scenarios.single.users` is `bench.scenarios.*.users`."""
    written = ""
    for element in path:
        if isinstance(element, int):
            written += "[]"
        elif _names_in(f"{written}.*"):
            written += ".*"
        else:
            written += f".{element}" if written else element
    return written


def all_placed(found: Sequence[Mapping[str, Any]], tree: Located) -> list[SpecError]:
    """The findings of pydantic as errors in words, each at its place; of very many the first, for each takes a search for what was meant.

    Left out is that a list is too short where its items, of which other findings are, were refused.
    """
    above = {tuple(detail["loc"][:length]) for detail in found for length in range(len(detail["loc"]))}
    own = [detail for detail in found if not (detail["type"] == "too_short" and detail["loc"] in above)]
    return [placed(detail, tree) for detail in own[: MOST_ERRORS + 1]]


def placed(detail: Mapping[str, Any], tree: Located) -> SpecError:
    """One finding of pydantic as an error in words, at the place in the tree it is about."""
    found, steps = tree.at(tuple(detail["loc"]))
    # What pydantic adds to a location (a function's or a type's name) is in no tree: what the tree has is the path.
    path = tuple(detail["loc"][:steps])
    name = printable(".".join(map(str, path)))
    generic = _generic(path)
    match detail["type"]:
        case "extra_forbidden":
            return SpecError(
                f"unknown key `{path[-1]}`", at=found.key, hint=suggest(generic) or "leave it out; `ryot explain` lists what a spec has"
            )
        case "missing":
            missing = ".".join(map(str, detail["loc"]))
            return SpecError(f"`{missing}` is missing", at=found.key, hint=_about(_generic(detail["loc"])))
        case "value_error":
            text = str(detail["ctx"]["error"])
        case _:
            text = _plain_words(detail)
    place = found.key if found.value is None or isinstance(found.value, dict | list) else found.place
    return SpecError(f"{name}: {text}" if name else text, at=place, hint=_as_a_map(name, detail) or _meant(detail) or _about(generic))


def _meant(detail: Mapping[str, Any]) -> str | None:
    """The nearest of the choices to what was written, whatever its case."""
    given = detail.get("input")
    if detail["type"] != "literal_error" or not isinstance(given, str):
        return None
    choices = [choice for choice in re.findall(r"'([^']*)'", str(detail["ctx"]["expected"])) if choice]
    near = _nearest(given.lower(), choices, 0.6)
    return f"did you mean `{near[0]}`?" if near else None


def _as_a_map(name: str, detail: Mapping[str, Any]) -> str | None:
    """The map that a list of names was meant as: of `filters: [normalise, length]`, `filters: {normalise: {}, length: {}}`."""
    given = detail.get("input")
    if detail["type"] != "model_type" or not isinstance(given, list) or not all(isinstance(item, str) for item in given):
        return None
    entries = ", ".join(f"{printable(item)}: {{}}" for item in given[:9])
    return f"write each with its settings: `{name.rpartition('.')[2]}: {{{entries}}}`"


def _plain_words(detail: Mapping[str, Any]) -> str:
    match detail["type"]:
        case "model_type" | "dict_type" | "model_attributes_type":
            text = "should be a map"
        case "tuple_type" | "list_type":
            text = "should be a list"
        case "too_short":
            text = f"there are {detail['ctx']['actual_length']}, and at least {detail['ctx']['min_length']} are needed"
        case _:
            text = str(detail["msg"]).replace("Input should be", "should be")
    given = detail.get("input")
    return f"{text}, not {given!r}"[:200] if isinstance(given, str | int | float | bool) or given is None else text[:200]


def _about(path: str) -> str | None:
    """What the field of a path means; of a list's item or a free map's entry, what the whole does."""
    entry = _by_path().get(path)
    if entry is None and path:
        return _about(path.removesuffix("[]") if path.endswith("[]") else path.rpartition(".")[0])
    return f"{entry.path}: {entry.about}" if entry and entry.about else None
