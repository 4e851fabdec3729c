"""Specs as no author means them: real ones with bytes flipped, lines moved, values made odd, keys misspelt; the same for the same seed."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from ryot.spec.yaml_tree import parse

ROOT = Path(__file__).parent.parent.parent
_RAW = re.compile(r'"@(\d+)@"')
_PAIR = re.compile(r"(?<=: )[^\s{}\[\],#][^{}\[\],#\n]*")


@dataclass(frozen=True, slots=True)
class Case:
    """A spec's bytes and the options `ryot validate` gets; `made` says from what and how, to be read where it fails."""

    made: str
    data: bytes
    options: tuple[str, ...]


# Scalars, maps and lists as YAML writes them. No path is among them that leads to more than a test may read.
ODD = (
    "", "null", "~", "true", "no", "0", "-0", "-1", "1", "2", "3.5", "1e-320", "-1e308", "1e309", "-1e400", "9" * 400, "-" + "9" * 5000,
    "1" + "_000" * 8, "0x" + "f" * 40, "0o17", ".inf", "-.INF", ".nan", "4294967296", "9223372036854775808", "18446744073709551616",
    "1e18", "1e15", "1e-15", "1e-16", "123456789012345678901234567890", "50ms", "-5ms", "1e9d", "80GiB", "1e30TB",
    "99999999999999999999%", "30 %", "1.3B", "1e4000T", "1_.5_ms", "١٢٣", "५%", "½", "1,000", "$5", "2026-13-45", "2026-02-30",
    "12:30:00", "=", "<<", "!!str 5", "!!int x", "!!float nan", "!!python/object/apply:os.system [ls]", "!!binary aGk=", "!!set {a, b}",
    "! x", "!", "&a 1", "*a", "&a [*a]", "&a {b: *a}", "*nobody", "|\n  x\n", ">-\n  x\n", "''", "'\0'", '"\\Uffffffff"',
    '"\\U00110000"', "0x" + "f" * 5000, '"\\x1b[31mred\\x07"', '"\\u202e\\u2066turned"', '"\\ud800"', '"\\U0010ffff"', '"\\e]0;t\\a"',
    '"\\x9b2J"', '"\\n\\n\\r\\n"', "'é 数据 🦙'", "x" * 300, "x" * 60_000, "a b", "/dev/zero", "/proc/self/environ", "~/x",
    "-", "- x", "? x", "{}", "[]", "[[]]", "{a: {}}", "[null]", "[true, 1, x]", "{'': 1}", "{null: 1}", "{1: 2}", "{true: x}",
    "{? [a] : b}", "[1, 2", "{a: 1", "'open", '"open', "[" * 40 + "]" * 40, "[" * 5000, "{a: " * 40 + "1" + "}" * 40,
    "[" + "1, " * 3500 + "1]", "[" + "1, " * 5000 + "1]", "{" + "".join(f"k{i}: {i}, " for i in range(3500)) + "}",
    "%YAML 1.1", "--- x", "...", "@x", "`x", "#x",
    "a: b: c", "data/x == 1", "a/b >= 1e999", "{measure: a/b, at_least: [1]}", "train/loss < -0%",
    "[" + "{generate: {examples: 5}}, " * 400 + "]", "[" + "{use: dedup, after: data}, " * 300 + "]", "[" + "data/x == 1, " * 900 + "]",
)  # fmt: skip
PIECES = (
    "\x00", "\x07", "\x1b[2J", "\x1b]0;owned\x07", "\x7f", "\x85", "\x9b31m", "\u2028", "\u202e", "\ufeff", "\ufffe", "\t", "\r", "\n",
    ":", ": ", "- ", "{", "}", "[", "]", ",", "&a ", "*a ", "!!x ", "|", ">", "%", "@", "`", "#", "'", '"', "\\", "?", "---\n", "...\n",
    "<<: ", "é", "数据", "🦙", "\U000e0001",
)  # fmt: skip
PATHS = (
    "train.lr", "train", "", ".", "..", "data.sources.0.path", "data.sources.-1", "data.sources.99999999999999999999", "data.sources.²",
    "targets.0", "model.params", "profiles.cpu.train", "name", "\x1b[31m", "a" * 5000, ".".join("a" * 40), ".".join("a" * 3000),
    "bench.scenarios.single.users", "train.betas.1", "stages.0.with", "allow", "hardware.catalogue.x", "hardware.prices", "claims",
    "serve", "é", "version.x", "data.filters.length", "train\n", "model.rope_scaling.factor", "sweep.over.train.lr",
)  # fmt: skip

NUMBERS = (0, 1, 2, 3, 7, 8, 63, 64, 100, 1000, 4096, 10**6, 10**12, 10**15, 10**18, -1, 0.5, 1e-9, 1e-15)


@cache
def sources() -> tuple[tuple[str, bytes], ...]:
    """Every spec that is shipped, many times over, and every bad one once: name and bytes."""
    good = sorted((ROOT / "specs").glob("*.yaml"))
    bad = sorted((ROOT / "tests" / "bad_specs").glob("*.yaml"))
    return tuple((path.stem, path.read_bytes()) for path in [*good * 20, *bad])


@cache
def _trees() -> tuple[tuple[str, Any], ...]:
    return tuple((path.stem, parse(path.read_text(), path.name).plain()) for path in sorted((ROOT / "specs").glob("*.yaml")))


def case(seed: int) -> Case:
    """The case of a seed: one to three mutations of one spec, and for one in four options of the command line."""
    chance = random.Random(seed)
    if chance.random() < 0.5:
        made, data = _of_a_tree(chance)
    else:
        made, data = _of_a_text(chance)
    options = _options(chance) if chance.random() < 0.25 else ()
    return Case(f"seed {seed}: {made} {' '.join(options)[:200]}", data, options)


def _options(chance: random.Random) -> tuple[str, ...]:
    found: list[str] = []
    for _ in range(chance.choice((0, 1, 1, 2, 5))):
        value = chance.choice((*ODD, *PIECES))
        found += [
            "--set",
            f"{chance.choice((*PATHS, *_names()))}{chance.choice(('=', '=', '=', ' = ', '', '=='))}{value}".replace("\0", ""),
        ]
    if chance.random() < 0.4:
        found += ["--profile", chance.choice(("cpu", "gpu", "none", "", "small", "\x1b[31m", "x" * 300, "é"))]
    return tuple(found)


@cache
def _names() -> tuple[str, ...]:
    """The paths of all values in the shipped specs."""
    return tuple(sorted({".".join(map(str, path)) for _, tree in _trees() for path, _ in _places(tree)}))


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every value below one that holds others, with its path."""
    for key, item in value.items() if isinstance(value, dict) else enumerate(value):
        yield (*path, key), item
        if isinstance(item, dict | list):
            yield from _places(item, (*path, key))


def _of_a_tree(chance: random.Random) -> tuple[str, bytes]:
    """Mutations of what a spec says, written as JSON, in which raw YAML stands where a value was made odd."""
    name, plain = chance.choice(_trees())
    tree, raw, done = json.loads(json.dumps(plain)), [], []
    for _ in range(chance.choice((1, 1, 1, 2, 3))):
        places = list(_places(tree))
        if not places:
            break
        path, old = chance.choice(places)
        holder = tree
        for step in path[:-1]:
            holder = holder[step]
        how = chance.choice(_TREE_WAYS)
        done.append(f"{how.__name__[1:]} {'.'.join(map(str, path))}")
        how(chance, holder, path[-1], old, raw)
    text = json.dumps(tree, indent=1, ensure_ascii=chance.random() < 0.3)
    return f"{name}, {', '.join(done)}", _RAW.sub(lambda match: raw[int(match[1])], text).encode("utf8", "surrogatepass")


def _odd(chance: random.Random, holder: Any, key: Any, old: Any, raw: list[str]) -> None:
    raw.append(chance.choice(ODD))
    holder[key] = f"@{len(raw) - 1}@"


def _scaled(chance: random.Random, holder: Any, key: Any, old: Any, raw: list[str]) -> None:
    """A number times a power of ten, in its own unit."""
    match = re.match(r"[\d.eE+-]+", str(old)) if not isinstance(old, bool | dict | list) else None
    if match is None:
        _odd(chance, holder, key, old, raw)
        return
    raw.append(f"{match[0]}e{chance.randint(-30, 30)}{str(old)[match.end() :]}" if "e" not in match[0] else f"-{old}")
    holder[key] = f"@{len(raw) - 1}@"


def _plausible(chance: random.Random, holder: Any, key: Any, old: Any, raw: list[str]) -> None:
    """A value of the same type, such as somebody might write there."""
    match old:
        case bool():
            holder[key] = not old
        case int() | float():
            holder[key] = chance.choice(
                (0, 1, 2, 3, 7, 8, 63, 64, 100, 1000, 4096, 10**6, 10**12, 10**15, 10**18, -1, 0.5, 1e-9, 1e-15, old * 2, old / 2)
            )
        case str():
            holder[key] = chance.choice(
                (old.upper(), old + "s", *(item for _, item in _places(chance.choice(_trees())[1]) if isinstance(item, str)))
            )
        case dict():
            holder[key] = {name: item for name, item in old.items() if chance.random() < 0.7}
        case list():
            holder[key] = chance.sample(old, len(old)) + old[: chance.randrange(len(old) + 1)]


def _misspelt(chance: random.Random, holder: Any, key: Any, old: Any, raw: list[str]) -> None:
    if isinstance(holder, dict):
        at = chance.randrange(len(key) + 1)
        holder[key[:at] + chance.choice(("", "x", "_", "é", "\x1b[31m", ".", "s")) + key[at + chance.randint(0, 2) :]] = holder.pop(key)


def _gone(chance: random.Random, holder: Any, key: Any, old: Any, raw: list[str]) -> None:
    del holder[key]


def _nested(chance: random.Random, holder: Any, key: Any, old: Any, raw: list[str]) -> None:
    for _ in range(chance.choice((1, 1, 2, 29, 40))):
        holder[key] = chance.choice(({"x": holder[key]}, [holder[key]], {str(key): holder[key]}))


def _stranger(chance: random.Random, holder: Any, key: Any, old: Any, raw: list[str]) -> None:
    """Something from another place of some spec."""
    holder[key] = json.loads(json.dumps(chance.choice(list(_places(chance.choice(_trees())[1])))[1]))


def _many(chance: random.Random, holder: Any, key: Any, old: Any, raw: list[str]) -> None:
    count = chance.choice((2, 20, 300))
    if isinstance(old, list):
        holder[key] = old * count
    elif isinstance(old, dict):
        holder[key] = {f"{name}{number or ''}": item for number in range(count) for name, item in old.items()}
    else:
        holder[key] = [old] * count


_TREE_WAYS: tuple[Callable[..., None], ...] = (
    _odd, _odd, _odd, _scaled, _scaled, _plausible, _plausible, _plausible, _plausible, _misspelt, _gone, _nested, _stranger, _many,
)  # fmt: skip


def _of_a_text(chance: random.Random) -> tuple[str, bytes]:
    """Mutations of how a spec is written."""
    name, data = chance.choice(sources())
    done = []
    for _ in range(chance.choice((1, 1, 2, 3))):
        how = chance.choice(_TEXT_WAYS)
        done.append(how.__name__[1:])
        data = how(chance, data)
    return f"{name}, {', '.join(done)}", data


def _flipped(chance: random.Random, data: bytes) -> bytes:
    found = bytearray(data)
    for _ in range(chance.choice((1, 1, 3, 30)) if found else 0):
        found[chance.randrange(len(found))] ^= 1 << chance.randrange(8)
    return bytes(found)


def _pieced(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.choice(PIECES).encode() * chance.choice((1, 1, 1, 40)) + data[at:]


def _cut_short(chance: random.Random, data: bytes) -> bytes:
    return data[: chance.randrange(len(data) + 1)]


def _lines_moved(chance: random.Random, data: bytes) -> bytes:
    lines = data.split(b"\n")
    at, to = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(to, lines[at])
        case 2:
            lines[at], lines[to] = lines[to], lines[at]
        case 3:
            lines[at] = b" " * chance.choice((1, 2, 4, 33)) + lines[at]
        case _:
            lines[at] = lines[at].lstrip()
    return b"\n".join(lines)


def _value_odd(chance: random.Random, data: bytes) -> bytes:
    """What stands behind a `key: `, or a part of it, as raw YAML."""
    text = data.decode("utf8", "surrogateescape")
    found = list(_PAIR.finditer(text))
    if found:
        spot = chance.choice(found)
        text = text[: spot.start()] + chance.choice(ODD) + text[spot.end() :]
    return text.encode("utf8", "surrogateescape")


def _two_joined(chance: random.Random, data: bytes) -> bytes:
    return data + chance.choice((b"", b"\n", b"---\n")) + chance.choice(sources())[1]


_TEXT_WAYS: tuple[Callable[[random.Random, bytes], bytes], ...] = (
    _flipped, _pieced, _pieced, _cut_short, _lines_moved, _lines_moved, _lines_moved, _value_odd, _value_odd, _value_odd, _two_joined,
)  # fmt: skip
