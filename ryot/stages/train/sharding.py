"""How the tensors that an optimizer changes are cut between ranks, so that what some ranks wrote is read by another number of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, Literal

import torch
from torch.nn.functional import pad

State = dict[str, torch.Tensor]
"""What an engine writes: `0.weights`, `0.exp_avg` ... for each of its tensors, and what it has once."""


@dataclass(frozen=True, slots=True)
class Place:
    """A rank among `ranks`, and the elements of each tensor that it has."""

    rank: int
    ranks: int
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sharding:
    """`masters` names the parameters in each tensor that the optimizer changes, `shapes` are theirs when whole. `cut`:

    whole: each rank has all of one parameter · rows: its share of the first dimension, as torch.chunk (FSDP) · flat: of all the
    parameters laid end to end (ZeRO 1, 2) · each: of each parameter laid out flat, one behind the other (ZeRO 3). Flat shares are
    equally long, the last ones filled up with zeros.
    """

    cut: Literal["whole", "rows", "flat", "each"]
    masters: tuple[tuple[str, ...], ...]
    shapes: Mapping[str, tuple[int, ...]]

    @classmethod
    def read(cls, data: dict[str, Any]) -> "Sharding":
        """As `dataclasses.asdict` and JSON leave it."""
        return cls(data["cut"], tuple(map(tuple, data["masters"])), {name: tuple(shape) for name, shape in data["shapes"].items()})

    def joined(self, shares: Sequence[torch.Tensor], master: int) -> State:
        """The whole parameters of one tensor, from all ranks' shares of it."""
        names = self.masters[master]
        if self.cut in ("whole", "rows"):
            return {names[0]: shares[0] if self.cut == "whole" else torch.cat(list(shares))}
        sizes = [prod(self.shapes[name]) for name in names]
        if self.cut == "flat":
            parts = torch.cat(list(shares))[: sum(sizes)].split(sizes)
        else:
            columns = [share.split([_share(size, len(shares)) for size in sizes]) for share in shares]
            parts = [torch.cat(pieces)[:size] for pieces, size in zip(zip(*columns, strict=True), sizes, strict=True)]
        return {name: part.view(self.shapes[name]) for name, part in zip(names, parts, strict=True)}

    def share(self, whole: State, master: int, place: Place) -> torch.Tensor:
        """A rank's share of one tensor, from the whole parameters."""
        names, rank, ranks, size = self.masters[master], place.rank, place.ranks, place.sizes[master]
        if self.cut == "whole":
            return whole[names[0]]
        if self.cut == "rows":
            rows = self.shapes[names[0]][0]
            return whole[names[0]][slice(*(min(turn * _share(rows, ranks), rows) for turn in (rank, rank + 1)))]
        if self.cut == "flat":
            flat = torch.cat([whole[name].flatten() for name in names])
            return pad(flat, (0, size * ranks - len(flat)))[rank * size : (rank + 1) * size]
        return torch.cat([_piece(whole[name].flatten(), rank, ranks) for name in names])


def reshard(states: Sequence[State], old: Sharding, new: Sharding, place: Place) -> State:
    """What one rank reads, from what all ranks of a checkpoint wrote. What an engine has once is rank 0's."""
    whole: dict[str, State] = {}
    for master, names in enumerate(old.masters):
        for kind in _kinds(states[0], master):
            shares = [state[f"{master}.{kind}"] for state in states]
            parts = old.joined(shares, master) if shares[0].dim() else dict.fromkeys(names, shares[0])
            whole.setdefault(kind, {}).update(parts)
    found = {name: tensor for name, tensor in states[0].items() if not name[0].isdigit()}
    for master, names in enumerate(new.masters):
        for kind, parts in whole.items():
            if names[0] in parts:
                scalar = not parts[names[0]].dim()
                found[f"{master}.{kind}"] = (parts[names[0]] if scalar else new.share(parts, master, place)).clone()
    return found


def _kinds(state: State, master: int) -> list[str]:
    prefix = f"{master}."
    return [name.removeprefix(prefix) for name in state if name.startswith(prefix)]


def _share(size: int, ranks: int) -> int:
    return -(-size // ranks)


def _piece(flat: torch.Tensor, rank: int, ranks: int) -> torch.Tensor:
    length = _share(len(flat), ranks)
    return pad(flat, (0, length * ranks - len(flat)))[rank * length : (rank + 1) * length]
