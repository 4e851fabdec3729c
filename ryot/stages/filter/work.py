"""The run of a filter: find out what has to be known of all documents, take every shard through it, and say what was dropped and why."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ryot.plugins import Documents, NodeError, Shard, StageContext, write_index
from ryot.stages.filter.phases import item_of, prepare
from ryot.stages.filter.shard import EXAMPLES
from ryot.stages.filter.stage import Config
from ryot.stages.shards.pool import Place, over_shards
from ryot.stages.shards.work import Result, Work, keep


def run(config: Config, context: StageContext) -> None:
    """Write the documents that the filter keeps. Raises NodeError when no training document is left, of all or of a source that
    has a weight."""
    documents = Documents(context.inputs["documents"])
    place = Place(config.workers or 0, config.ray)
    told = {
        "settings": config.settings.model_dump(mode="json"),
        "documents": str(documents.folder),
        "known": str(context.scratch / "known"),
    }
    found = prepare(told, documents, context, place)
    work = Work("ryot.stages.filter.shard:apply", told, context.scratch / "shards")
    results = over_shards(work, [item_of(shard) for shard in documents.shards], context, place)
    funnel = _funnel(config.settings.kind, results) | ({"found": found} if found else {})
    _refuse_nothing_left(documents.shards, results, funnel)
    _refuse_empty_source(config.weighted, documents.shards, results, funnel["name"])
    for shard, result in zip(documents.shards, results, strict=True):
        keep((documents.folder if result["same"] else work.folder) / shard.file, context.out)
    shards = [_shard(shard, result) for shard, result in zip(documents.shards, results, strict=True)]
    before: Any = documents.facts.get("filters", [])
    write_index(context.out, shards, {**documents.facts, "filters": [*before, funnel]})
    _measure(funnel, context)
    context.say(f"{funnel['dropped']} of {funnel['read']} documents dropped{_listed(funnel['reasons'])}")


def _shard(shard: Shard, result: Result) -> Shard:
    return Shard(shard.name, shard.split, shard.source, result["kept"], result["bytes"])


def _funnel(name: str, results: Sequence[Result]) -> dict[str, Any]:
    """What became of the documents of all shards, as documents.json says it; the examples are the first that were dropped."""
    read, kept, changed = (sum(result[field] for result in results) for field in ("read", "kept", "changed"))
    reasons: Counter[str] = Counter()
    for result in results:
        reasons.update(result["reasons"])
    examples = [example for result in results for example in result["examples"]][:EXAMPLES]
    counts = {"name": name, "read": read, "kept": kept, "dropped": read - kept, "changed": changed}
    return counts | {"reasons": dict(sorted(reasons.items())), "examples": examples}


def _refuse_nothing_left(shards: Sequence[Shard], results: Sequence[Result], funnel: Mapping[str, Any]) -> None:
    train = [result for shard, result in zip(shards, results, strict=True) if shard.split == "train"]
    if not sum(result["kept"] for result in train):
        read = sum(result["read"] for result in train)
        raise NodeError(
            f"filter.{funnel['name']} leaves none of {read} training documents; dropped were{_listed(funnel['reasons']) or ' none'}",
            hint=f"loosen data.filters.{funnel['name']}; `ryot data preview` shows what it does to the first documents",
        )


def _refuse_empty_source(names: Sequence[str], shards: Sequence[Shard], results: Sequence[Result], filter_: str) -> None:
    """A source that has a weight must not be emptied: no tokenizer could give it its share. `names` are those of the weighted sources."""
    for number, name in enumerate(names):
        own = [result for shard, result in zip(shards, results, strict=True) if shard.split == "train" and shard.source == number]
        read = sum(result["read"] for result in own)
        if read and not sum(result["kept"] for result in own):
            reasons = sum((Counter(result["reasons"]) for result in own), Counter[str]())
            raise NodeError(
                f"filter.{filter_} leaves none of the {read} training documents of {name}, which has a weight{_listed(reasons)}",
                hint=f"loosen data.filters.{filter_}, or leave {name} out; `ryot data preview` shows what becomes of its first documents",
            )


def _listed(reasons: Mapping[str, int]) -> str:
    most = sorted(reasons.items(), key=lambda reason: (-reason[1], reason[0]))
    return f": {', '.join(f'{count} {reason}' for reason, count in most)}" if most else ""


def _measure(funnel: Mapping[str, Any], context: StageContext) -> None:
    context.measure("kept", funnel["kept"])
    context.measure("dropped", funnel["dropped"], of=funnel["read"])
    if "changed" in context.declared:
        context.measure("changed", funnel["changed"], of=funnel["read"])
