"""Only the data half: `ryot apply --until tokenizer` ends with token shards, which are read as docs/tokens.md says."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SPEC = """\
version: 1
name: half
model: {preset: ryot-tiny}
data:
  sources: [generate: {examples: 200}]
train: {batch_size: 2, steps: 1}
targets: [data/wrong_answers == 0, train/bad_updates == 0]
"""
READ = "\nprint(len(texts), all(text[-1] == facts['eos_id'] for text in texts), sum(map(len, texts)) == facts['train']['tokens'])\n"


@pytest.mark.e2e
def test_data_alone_ends_with_token_shards_that_anyone_can_read(tmp_path: Path) -> None:
    (tmp_path / "spec.yaml").write_text(SPEC)
    argv = [sys.executable, "-m", "ryot.cli.main", "apply", "spec.yaml", "--until", "tokenizer"]
    done = subprocess.run(argv, cwd=tmp_path, text=True, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stderr.replace("\n", " ")
    assert "not looked at, as their nodes come after tokenizer: train/bad_updates == 0" in " ".join(said.split())
    assert "train" not in [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    (folder,) = re.findall(r"^token shards: (.+)$", done.stderr, re.MULTILINE)
    (snippet,) = re.findall(r"```python\n(.*?)```", (ROOT / "docs" / "tokens.md").read_text(), re.DOTALL)
    read = subprocess.run([sys.executable, "-c", snippet + READ], cwd=tmp_path / folder, text=True, capture_output=True, check=True)
    count, ends, whole = read.stdout.split()
    assert int(count) > 100
    assert (ends, whole) == ("True", "True")
