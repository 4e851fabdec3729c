"""A spec is kept with every run and goes into bundles, so that one with a credential in it is refused, and the credential not shown."""

from __future__ import annotations

import time
from contextlib import suppress
from pathlib import Path

import pytest

from ryot.cli.main import run
from ryot.errors import SpecError
from ryot.spec.secrets import refuse_secrets
from tests.spec.yardstick import yardstick_s

ROOT = Path(__file__).parent.parent.parent
TINY = ROOT / "specs" / "tiny.yaml"
BODY = "Canary7" * 6
# In two parts, so that no tool that looks for secrets takes them for some.
SECRETS = {
    "a token of the Hugging Face hub": "hf" + f"_{BODY}",
    "a key of a model's provider": "sk" + f"-ant-{BODY}",
    "a token of GitHub": "ghp" + f"_{BODY}",
    "a token of GitLab": "glpat" + f"-{BODY}",
    "a key of AWS": "AK" + "IACANARYCANARY7777",
    "a key of Google's": "AI" + f"za{BODY}",
    "a token of Slack": "xox" + f"b-{BODY}",
    "a signed token": "ey" + f"J{BODY}.ey" + f"J{BODY}.x",
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "a password in an address": "s3://ana:" + f"{BODY}@example/data.jsonl",
}


def refused(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """What `ryot validate` says on stderr while it refuses."""
    code = run(["validate", *arguments])
    said = capsys.readouterr()
    assert (code, said.out) == (2, ""), said
    return said.err


@pytest.mark.parametrize("what", SECRETS)
@pytest.mark.parametrize("line", ["# {}", "licence: '{}'", "  - {{: {}", "\tbroken {}"])
def test_a_spec_with_a_credential_is_refused_and_the_credential_not_shown(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], what: str, line: str
) -> None:
    spec = tmp_path / "spec.yaml"
    head = TINY.read_text().splitlines()[:4]
    spec.write_text("\n".join([*head, line.format(SECRETS[what]), "more: 1"]))
    said = refused(capsys, str(spec))
    assert f"{spec}:5:" in said
    assert what in said
    assert SECRETS[what] not in said
    assert "Canary7" not in said


@pytest.mark.parametrize("what", SECRETS)
def test_an_override_with_a_credential_is_refused(capsys: pytest.CaptureFixture[str], what: str) -> None:
    said = refused(capsys, str(TINY), "--set", f"data.sources.0.licence={SECRETS[what]}")
    assert what in said
    assert SECRETS[what] not in said


@pytest.mark.parametrize(
    "text", ["hf://datasets/owner/name@main", "https://example.org/a:b", "sk-learn", "a@b.org", "https://a.org:80/x@y"]
)
def test_what_only_resembles_one_is_none(capsys: pytest.CaptureFixture[str], text: str) -> None:
    assert run(["validate", str(TINY), "--set", f"data.sources.0.licence={text!r}"]) == 0, capsys.readouterr()


@pytest.mark.parametrize("unit", ["-eyJ", "eyJaaaaaaaaaaa.", "-sk-", "a://b:", "://", "-----BEGIN ", "hf_", "-xoxb-a", "a://" + "b" * 200])
def test_looking_takes_no_quadratic_time(unit: str) -> None:
    began = time.process_time()
    with suppress(SpecError):
        refuse_secrets(unit * ((1 << 18) // len(unit)), "f")
    assert time.process_time() - began < 4 * yardstick_s()
