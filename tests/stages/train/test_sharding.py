"""Tensors cut and put together again, for all four ways and any number of ranks."""

from itertools import product
from math import prod
from typing import Any

import pytest

pytestmark = pytest.mark.heavy

SHAPES = {"wte": (7, 4), "norm": (5,), "up": (3, 6), "one": (1, 2)}
GROUPS = {"whole": [(name,) for name in SHAPES], "rows": [(name,) for name in SHAPES]}
GROUPS |= {"flat": [("wte", "up"), ("one", "norm")], "each": [("wte", "one", "up"), ("norm",)]}
CUTS = ("whole", "rows", "flat", "each")


def written(cut: str, ranks: int) -> tuple[Any, list[Any], list[Any]]:
    """A sharding, what each rank wrote, and where each stands. Cut by other means than the module's: torch's own."""
    import torch  # noqa: PLC0415
    from torch.nn.functional import pad  # noqa: PLC0415

    from ryot.stages.train.sharding import Place, Sharding  # noqa: PLC0415

    whole = {name: torch.arange(prod(shape)).view(shape) + 100.0 * index for index, (name, shape) in enumerate(SHAPES.items())}
    states: list[dict[str, Any]] = [{"scaler": torch.tensor([4.0])} for _ in range(ranks)]
    for index, names in enumerate(GROUPS[cut]):
        for kind, factor in (("weights", 1), ("exp_avg", -1)):
            parts = [whole[name] * factor for name in names]
            if cut == "whole":
                shares = parts * ranks
            elif cut == "rows":
                shares = [*parts[0].chunk(ranks), *[parts[0][:0]] * ranks][:ranks]
            elif cut == "flat":
                flat = torch.cat([part.flatten() for part in parts])
                shares = list(pad(flat, (0, 2 * ranks - len(flat) % (2 * ranks))).chunk(ranks))
            else:
                filled = [pad(part.flatten(), (0, -part.numel() % ranks)).chunk(ranks) for part in parts]
                shares = [torch.cat(pieces) for pieces in zip(*filled, strict=True)]
            for state, share in zip(states, shares, strict=True):
                state[f"{index}.{kind}"] = share
        for state in states:
            state[f"{index}.step"] = torch.tensor(3.0)
    sharding = Sharding(cut, tuple(GROUPS[cut]), SHAPES)  # type: ignore[arg-type]
    sizes = [tuple(state[f"{index}.weights"].numel() for index in range(len(GROUPS[cut]))) for state in states]
    return sharding, states, [Place(rank, ranks, size) for rank, size in enumerate(sizes)]


@pytest.mark.parametrize(("old", "new"), list(product(CUTS, CUTS)))
def test_what_some_ranks_wrote_is_read_by_any_number_of_others(old: str, new: str) -> None:
    from ryot.stages.train.sharding import reshard  # noqa: PLC0415

    for before, after in product((1, 2, 3, 4), repeat=2):
        old_sharding, states, _ = written(old, before)
        new_sharding, expected, places = written(new, after)
        for place, wanted in zip(places, expected, strict=True):
            found = reshard(states, old_sharding, new_sharding, place)
            assert set(found) == set(wanted)
            assert all(found[name].equal(wanted[name]) for name in wanted), (before, after, place.rank)


def test_a_sharding_comes_back_from_json_as_it_was() -> None:
    import json  # noqa: PLC0415
    from dataclasses import asdict  # noqa: PLC0415

    from ryot.stages.train.sharding import Sharding  # noqa: PLC0415

    sharding, _, _ = written("each", 2)
    assert Sharding.read(json.loads(json.dumps(asdict(sharding)))) == sharding


def test_before_the_first_update_there_are_only_weights() -> None:
    from ryot.stages.train.sharding import reshard  # noqa: PLC0415

    old, states, _ = written("flat", 2)
    new, expected, places = written("rows", 1)
    for state in states:
        for name in [name for name in state if not name.endswith("weights")]:
            del state[name]
    assert set(reshard(states, old, new, places[0])) == {name for name in expected[0] if name.endswith("weights")}
