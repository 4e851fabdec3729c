"""From a file to a Spec: profile and --set overrides are merged in, every error is found and placed. The only reader of YAML."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from pydantic import ValidationError

from ryot.errors import MOST_ERRORS, Place, SpecError, SpecErrors
from ryot.spec import explain
from ryot.spec.secrets import refuse_secrets
from ryot.spec.spec import Spec
from ryot.spec.yaml_tree import MAX_BYTES, MAX_DEPTH, MAX_NODES, Located, parse, read

MAX_PROFILES = 16
MAX_VALIDATED = 15_000
"""Values that are validated in all: those of the spec once for itself, and once for each of its profiles. Each takes some 7 us."""
_MANY_HINT = "write them into the spec, or into a profile of it"
_SET_HINT = "as in --set train.lr=3e-4"


@dataclass(frozen=True, slots=True)
class Loaded:
    """A sound spec, the profile that was merged into it, its text, and where each of its values is written."""

    spec: Spec
    profile: str | None
    text: str
    tree: Located
    file: str

    def place(self, *path: str | int) -> Place:
        """Where a value of the spec is written, or the nearest thing around it."""
        return self.tree.at(path)[0].key


def load(path: Path, *, profile: str | None = None, wanted: str | None = None, sets: Sequence[str] = ()) -> Loaded:
    """Read a spec. `profile` must be among its profiles; `wanted` is taken only if it is. Raises SpecErrors, or SpecError for bad YAML."""
    text = read(path)
    return load_text(text, str(path), profile=profile, wanted=wanted, sets=sets)


def load_text(text: str, name: str, *, profile: str | None = None, wanted: str | None = None, sets: Sequence[str] = ()) -> Loaded:
    """As `load`, for a text that is called `name` in errors."""
    refuse_secrets(text, name)  # first: any other error would show its line
    for written in sets:
        refuse_secrets(written, "--set")
    _refuse_many(sets)
    tree = parse(text, name)
    if not isinstance(tree.value, dict):
        raise SpecError("a spec is a map of sections", at=tree.place, hint="begin with `version: 1`")
    profiles = _profiles(tree)
    chosen = _choose(profile, wanted, profiles, tree)
    errors = [*_idle_filters(tree, None), *(error for item in profiles.values() for error in _idle_filters(item, tree))]
    spec, merged = None, tree
    for candidate in dict.fromkeys([chosen, None, *profiles]):
        found, candidate_tree = _validated(tree, profiles.get(candidate or ""), sets if candidate == chosen else (), errors)
        if candidate == chosen:
            spec, merged = found, candidate_tree
        if len(errors) > MOST_ERRORS:
            break
    if errors or spec is None:
        raise SpecErrors(_distinct(errors))
    return Loaded(spec, chosen, text, merged, name)


def _profiles(tree: Located) -> dict[str, Located]:
    found = tree.value.get("profiles")
    if found is None or not isinstance(found.value, dict):
        return {}
    if len(found.value) > MAX_PROFILES:  # each is merged and validated on its own
        hint = "a profile is for a kind of machine; write one spec for each of what else differs"
        raise SpecError(f"there are {len(found.value)} profiles; {MAX_PROFILES} are the most", at=found.key, hint=hint)
    profiles = {name: item for name, item in found.value.items() if isinstance(item.value, dict)}
    if (1 + len(profiles)) * tree.size > MAX_VALIDATED:
        hint = (
            f"each is validated with all the rest: {MAX_VALIDATED:,} values in all are the most; have fewer profiles, or less in the spec"
        )
        raise SpecError(f"{len(profiles)} profiles of a spec with {tree.size:,} values are too many", at=found.key, hint=hint)
    return profiles


def _idle_filters(tree: Located, base: Located | None) -> list[SpecError]:
    """The filters that are written without a value where there is nothing to switch off: `length:` looks like one with its defaults."""
    errors = []
    for name, item in _filters(tree).items():
        switched_off = base is not None and name in _filters(base)
        if item.value is None and not switched_off:
            hint = f"write `{name}: {{}}` for its defaults; `{name}: false`, or null in a profile or --set, switches it off"
            errors.append(SpecError(f"data.filters.{name} has no value", at=item.key, hint=hint))
    return errors


def _filters(tree: Located) -> dict[str, Located]:
    found, steps = tree.at(("data", "filters"))
    return found.value if steps == 2 and isinstance(found.value, dict) else {}


def _choose(profile: str | None, wanted: str | None, profiles: dict[str, Located], tree: Located) -> str | None:
    if profile is None:
        return wanted if wanted in profiles else None
    if profile == "none":
        return None
    if profile not in profiles:
        have = ", ".join(profiles) or "none"
        raise SpecError(f"there is no profile {profile!r}", at=tree.place, hint=f"its profiles: {have}; `--profile none` uses no profile")
    return profile


def _validated(tree: Located, profile: Located | None, sets: Sequence[str], errors: list[SpecError]) -> tuple[Spec | None, Located]:
    merged, values = merge(tree, profile) if profile else tree, 0
    for text in sets:
        merged, more = _set(merged, text)
        values += more
        if values > MAX_NODES:
            raise SpecError(f"--set: more than {MAX_NODES:,} values in all", at=Place("--set", 1, 1, text[:200]), hint=_MANY_HINT)
    try:
        return Spec.model_validate(merged.plain()), merged
    except ValidationError as error:
        errors.extend(explain.all_placed(error.errors(include_url=False), merged))
        return None, merged


def _distinct(errors: Sequence[SpecError]) -> list[SpecError]:
    unique = {(str(error.at), error.message): error for error in errors}
    return sorted(unique.values(), key=lambda error: (error.at.file, error.at.line, error.at.column) if error.at else ("", 0, 0))


def merge(base: Located, over: Located, path: tuple[str, ...] = ()) -> Located:
    """`over` laid on `base`: maps merge key by key, anything else replaces; `targets` replace those of the same measure."""
    if path == ("targets",) and isinstance(base.value, list) and isinstance(over.value, list):
        return replace(over, value=_merge_targets(base.value, over.value))
    if not (isinstance(base.value, dict) and isinstance(over.value, dict)):
        return over
    merged = dict(base.value)
    for key, item in over.value.items():
        merged[key] = merge(merged[key], item, (*path, key)) if key in merged else item
    return replace(base, value=merged)


def _merge_targets(base: list[Located], over: list[Located]) -> list[Located]:
    replaced = {_measure(item) for item in over}
    return [item for item in base if _measure(item) not in replaced] + over


def _measure(target: Located) -> object:
    written = target.plain()
    if isinstance(written, str):
        return written.split(maxsplit=1)[0] if written.strip() else written
    return written.get("measure") if isinstance(written, dict) else None


def _refuse_many(sets: Sequence[str]) -> None:
    """What is read as YAML is bounded, wherever it is written."""
    if sum(map(len, sets)) > MAX_BYTES:
        raise SpecError(f"--set: more than {MAX_BYTES >> 10} Ki characters in all", at=Place("--set", 1, 1), hint=_MANY_HINT)


def _set(tree: Located, text: str) -> tuple[Located, int]:
    """One `--set path.to.field=value` laid on the tree; the value is YAML. With how many values that has."""
    name, equals, value = text.partition("=")
    place = Place("--set", 1, 1, text[:200])
    if not equals or not name.strip():
        raise SpecError(f"--set {text[:200]!r} is not of the form path.to.field=value", at=place, hint=_SET_HINT)
    node = parse(value, "--set") if value.strip() else Located(None, place, place)
    node = replace(node, place=place, key=place)
    path = name.strip().split(".")
    if len(path) > MAX_DEPTH:
        raise SpecError(f"--set {text[:40]!r}... names a field {len(path)} levels deep; {MAX_DEPTH} are the most", at=place, hint=_SET_HINT)
    return _put(tree, path, node, text), node.size


def _put(tree: Located, path: list[str], node: Located, text: str) -> Located:
    head, *rest = path
    place = Place("--set", 1, 1, text[:200])
    if isinstance(tree.value, list):
        if not head.isdecimal() or len(head) > 9 or int(head) >= len(tree.value):
            message = f"`{head}` is no index of this list of {len(tree.value)}, counted from 0"
            raise SpecError(message, at=place, hint="set the whole list: path.to.list=[...]")
        items = list(tree.value)
        items[int(head)] = _put(items[int(head)], rest, node, text) if rest else node
        return replace(tree, value=items)
    entries = dict(tree.value) if isinstance(tree.value, dict) else {}
    below = entries.get(head, Located({}, place, place))
    entries[head] = _put(below, rest, node, text) if rest else node
    return replace(tree, value=entries)
