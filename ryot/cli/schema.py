"""`ryot schema`: the JSON Schema of a spec, with descriptions, units and defaults."""

import json

import click

from ryot.spec.spec import Spec


@click.command(name="schema")
def command() -> None:
    """Print the JSON Schema of a spec. In an editor: `# yaml-language-server: $schema=ryot.schema.json` on top of the spec."""
    schema = Spec.model_json_schema(by_alias=True)
    click.echo(json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2))
