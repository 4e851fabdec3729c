"""`ryot init`: writes a commented spec to start from."""

from __future__ import annotations

import re
from pathlib import Path

import click

from ryot.errors import SpecError
from ryot.estimate.parameters import count_parameters
from ryot.files import write_durable
from ryot.spec.model import Model
from ryot.spec.presets import MODELS

_TEMPLATE = """\
# A spec says what a language model must be and what it must achieve.
#   ryot plan {file}     what would run, and why
#   ryot apply {file}    run it; ends with the verdict
#   ryot explain train.lr      what a field means
version: 1
name: {name}

claims:
  {claim}# a number you believe; `ryot plan` recomputes it

model:
  {model}# any of its values may be overridden here

data:
  sources:
    - generate: {{examples: 1000}}
    # Your own texts, .jsonl, .parquet or .txt; sources have a weight each, which sum to 100%, or none:
    # - {{path: texts/, weight: 90%}}
    # - {{generate: {{examples: 1000}}, weight: 10%}}
  # What documents have to pass; each is a node of its own. `ryot data preview {file}` shows what they do.
  # filters: {{normalise: {{}}, length: {{min: 100}}, language: {{keep: [en]}}, personal: {{}}, near_duplicates: {{}}}}
  # A tokenizer to take instead of learning one:
  # tokenizer: {{path: my-checkpoint/}}
  held_out: 10%                # never trained on

train:
  batch_size: 16               # documents in a micro-batch
  accumulation: 1              # micro-batches in an update
  epochs: 1
{sequence}  lr: 1e-3
  warmup_steps: 5

optimize:                      # train a plain baseline too, and compare
  stack:
    - kernel: {{level: 1}}       # fused attention and AdamW
{compressor}
export: {{}}
serve: {{}}
evaluate:
  limit: 50

bench:
  scenarios:
    single: {{users: 1, requests: 100}}

targets:                       # a must-target without data is never passed
  - compare/stack_time_reduction >= 25%
  - bench.single/latency_p95 < 50ms
  - bench.single/errors == 0
  - {{measure: evaluate/reasoning_accuracy, at_least: 25%, priority: should}}
"""

_COLUMN = 29
"""The comments behind values stand this far behind their indentation."""
_COMPRESSOR = "    - compressor: {ratio: 30%} # pack documents instead of padding them\n"
_SEQUENCE = "  sequence: 256                # tokens of a row that plans reckon with: generated examples are short\n"


@click.command(name="init")
@click.argument("path", default="ryot.yaml", type=click.Path(dir_okay=False, path_type=Path))
@click.option("--preset", type=click.Choice(list(MODELS)), default="ryot-tiny", show_default=True, help="The model to start from.")
@click.option("--force", is_flag=True, help="Overwrite a file that is there.")
def command(path: Path, preset: str, force: bool) -> None:
    """Write a commented spec to PATH (ryot.yaml)."""
    if path.exists() and not force:
        raise SpecError(f"{path} is there already", hint="name another file, or use --force")
    write_durable(path, text(path, preset))
    click.echo(f"wrote {path}; next: ryot plan {path}")


def text(path: Path, preset: str) -> str:
    """The spec for a preset; its claim is the preset's own count, so that it holds."""
    model = Model.model_validate({"preset": preset})
    compressor = "" if model.family == "hybrid" else _COMPRESSOR  # a mixer's state would run on from one document into the next
    sequence = _SEQUENCE if model.context > 256 else ""
    params = count_parameters(model).described
    claim, shape = f"params: {params}".ljust(_COLUMN), f"preset: {preset}".ljust(_COLUMN)
    return _TEMPLATE.format(file=path, name=_name(path.stem), claim=claim, model=shape, compressor=compressor, sequence=sequence)


def _name(stem: str) -> str:
    """A name that a spec may have, and that YAML reads as text: it begins with a letter and is no word of YAML's own."""
    plain = re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")
    return (plain if plain[:1].isalpha() and plain not in ("true", "false", "null") else f"model-{plain}".strip("-"))[:64]
