"""lm-eval's benchmarks over local files, for real, at a server that is no model: killed, resumed, and held against lm-eval run by hand."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest

from ryot.plugins import Document, Endpoint, NodeError, digest_file, processes
from ryot.plugins.testing import StageResult, run_stage, write_documents
from ryot.stages.data.stage import FileSource
from ryot.stages.evaluate.benchmarks import EXAMPLES, SOURCES, measures_of
from ryot.stages.evaluate.stage import MEASURES, EvaluateConfig, EvaluateStage
from tests.fakes.completions import Completions, decode, serving, write_tokenizer

pytestmark = pytest.mark.heavy

CHOICES = {"text": ["red", "green", "blue"], "label": ["A", "B", "C"]}
ROWS = {
    "hellaswag": [
        {
            "activity_label": "Cooking",
            "ctx_a": f"A cook takes {n} eggs.",
            "ctx_b": "he",
            "endings": ["eats", "runs", "sings", "sits"],
            "label": str(n),
        }
        for n in range(4)
    ],
    "arc_easy": [{"question": f"Which colour has sky {n}?", "choices": CHOICES, "answerKey": "ABC"[n % 3]} for n in range(5)],
    "arc_challenge": [{"question": f"Which colour has leaf {n}?", "choices": CHOICES, "answerKey": "ABC"[n]} for n in range(3)],
    "truthfulqa": [
        {
            "question": f"Is {n} a number?",
            "mc1_targets": {"choices": ["Yes.", "No."], "labels": [1, 0]},
            "mc2_targets": {"choices": ["Yes.", "It is.", "No.", "Never."], "labels": [1, 1, 0, 0]},
        }
        for n in range(4)
    ],
    "piqa": [{"goal": f"Open door {n}.", "sol1": "Push it.", "sol2": "Paint it.", "label": n % 2} for n in range(4)],
    "winogrande": [
        {
            "sentence": f"Box {n} did not fit in the bag because _ was small.",
            "option1": "the box",
            "option2": "the bag",
            "answer": str(1 + n % 2),
        }
        for n in range(4)
    ],
    "boolq": [{"passage": f"Grass {n} is green.", "question": "is grass green", "label": n % 2} for n in range(4)],
    "gsm8k": [{"question": f"What is {n} and {n}?", "answer": f"{n} + {n} = {2 * n}\n#### {2 * n}"} for n in range(8)],
    EXAMPLES: [{"question": f"What is {n} and 1?", "answer": f"{n} + 1 = {n + 1}\n#### {n + 1}"} for n in range(20)],
    "humaneval": [
        {
            "task_id": f"T/{n}",
            "prompt": f"def add{n}(a, b):\n    '''a and b and {n}'''\n",
            "entry_point": f"add{n}",
            "test": f"def check(candidate):\n    assert candidate(1, 2) == {3 + n}\n",
        }
        for n in range(6)
    ],
    "wikitext": [{"page": f" = Page {n} = \n \n The {n} @-@ th page , with two lines . \n It ends here . \n" * (n + 1)} for n in range(3)],
}
LIMIT = 6
BENCHMARKS = tuple(name for name in SOURCES if name in ROWS)
TEXTS = [f"Q: What is {n} plus {n}?\nA: {2 * n}." for n in range(10)]


def write(prompt: str) -> str:
    """Right for even numbers; wrong, without an answer, or never at its end, for others."""
    if "def add" in prompt:
        n = int(prompt.rsplit("def add", maxsplit=1)[-1][0])
        return ["    return a + b + {n}\n\nprint(0 / 0)\n\ndef more():\n    pass", "    return 0", "    while True:\n        pass"][
            min(n % 2 * (1 + n // 5), 2)
        ].format(n=n)
    if "Which is " in prompt:
        n = int(prompt.rsplit("Which is ", maxsplit=1)[-1].split("?", maxsplit=1)[0])
        return f"Step 1: look.\nA: {('two', 'four')[n % 2] if n % 3 else 'six'}\n" + "Verification: it is.\n---\nA: two" * (n > 2)
    n = int(prompt.rsplit("What is ", maxsplit=1)[-1].split(maxsplit=1)[0])
    return f" {n} and {n} make {2 * n}\n#### {2 * n + (n % 4 == 1)}\n\nQuestion: What next?" if n % 4 != 3 else " I do not know 7"


KILLED = 100
"""The request at which the first run is killed: four fifths of them."""
EVERYTHING = (*(measure for own in MEASURES.values() for measure in own), *(found for name in BENCHMARKS for found in measures_of(name)))


@dataclass
class Runs:
    """A folder; the evaluation that was killed and run again in it; how many requests the server saw from each; and the server."""

    root: Path
    data: dict[str, FileSource]
    result: StageResult
    before: int
    after: int
    server: Completions

    def rows(self, name: str) -> list[dict]:
        return [json.loads(line) for line in (self.result.out / f"samples-{name}.jsonl").read_text().splitlines()]

    @property
    def scores(self) -> dict:
        return json.loads((self.result.out / "scores.json").read_text())


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    root = tmp_path_factory.mktemp("runs")
    data = {name: source(root / f"{name}.jsonl", rows) for name, rows in ROWS.items()}
    meta = {"choices": ["one", "two", "three", "four"], "difficulty": "expert"}
    asked = [Document.of(text, {**meta, "question": f"Which is {n}?", "answer": ("two", "four")[n % 2]}) for n, text in enumerate(TEXTS)]
    inputs = {"documents": write_documents(root / "documents", heldout=asked), "model": write_tokenizer(root / "model")}
    config = EvaluateConfig(
        tasks=("reasoning", "written", "perplexity"), benchmarks=BENCHMARKS, limit=LIMIT, context=2048, data=data, run_code=True
    )
    with serving(write) as server:
        arguments = {"inputs": inputs, "services": {"serve": Endpoint(server.url, "fake")}, "measures": EVERYTHING}
        server.at[KILLED] = kill_harness
        with pytest.raises(NodeError, match="-9"):
            run_stage(EvaluateStage(), config, root / "node", **arguments)
        before = len(server.asked)
        with (root / "node" / "scratch" / "answers.jsonl").open("ab") as answers:
            answers.write(b'["cut off by the cra')
        result = run_stage(EvaluateStage(), config, root / "node", **arguments)
        yield Runs(root, data, result, before, len(server.asked) - before, server)


def source(path: Path, rows: list) -> FileSource:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return FileSource(digest=digest_file(path), form=".jsonl", written=path.name, path=str(path))


def kill_harness() -> None:
    (harness,) = [child for child in processes.descendants(os.getpid()) if "ryot.stages.evaluate.harness" in child.cmdline()]
    os.kill(harness.pid, signal.SIGKILL)


def test_after_a_kill_only_the_rest_is_asked(runs):
    assert runs.before == KILLED
    prompts = [json.dumps(body, sort_keys=True) for body in runs.server.asked]
    assert len(set(prompts)) == len(prompts) - 1  # the one that the kill cut off
    assert runs.after == len(set(prompts)) - KILLED + 1


def test_scores_stand_beside_chance_shots_number_and_error(runs):
    found = runs.scores
    assert {name: found[name]["shots"] for name in BENCHMARKS} == {name: 5 if name == "gsm8k" else 0 for name in BENCHMARKS}
    assert {name: found[name]["items"] for name in BENCHMARKS} == {name: min(LIMIT, len(ROWS[name])) for name in BENCHMARKS}
    assert [found[name]["chance"] for name in ("hellaswag", "arc_easy", "truthfulqa", "gsm8k")] == [0.25, pytest.approx(1 / 3), 0.5, 0.0]
    assert found["boolq"]["standard_error"] == pytest.approx(0.5 / 3**0.5)


def test_generated_answers_are_judged(runs):
    assert runs.result.evidence["gsm8k.exact_match"].model_dump(include={"hits", "of"}) == {"hits": 3, "of": 6}
    assert runs.result.evidence["humaneval.pass_at_1"].model_dump(include={"hits", "of"}) == {"hits": 3, "of": 6}
    assert [row["scores"]["pass@1"] for row in runs.rows("humaneval")] == [1, 0, 1, 0, 1, 0]
    assert "return a + b" in runs.rows("humaneval")[0]["generated"][0]


def test_accuracy_stands_by_difficulty(runs):
    found = runs.scores["reasoning"]
    assert found["by_difficulty"] == {"expert": {"items": 6, "hits": found["hits"], "accuracy": found["accuracy"]}}
    assert len(runs.result.evidence["reasoning_ece"].pairs) == 6


def test_written_answers_are_judged(runs):
    numbers = [int(sample["text"].count("Verification")) for sample in runs.rows("written")]
    right = sum("A: six" not in sample["text"] for sample in runs.rows("written"))
    assert 0 < right < LIMIT
    assert runs.result.evidence["answer_correctness"].model_dump(include={"hits", "of"}) == {"hits": right, "of": LIMIT}
    assert runs.result.evidence["verification_rate"].model_dump(include={"hits", "of"}) == {"hits": sum(numbers), "of": LIMIT}
    assert all("---" not in sample["text"] for sample in runs.rows("written"))
    assert runs.scores["written"]["by_difficulty"]["expert"]["hits"] == right


def test_five_examples_of_the_training_split_are_shown(runs):
    prompts = [decode(body["prompt"][0]) for body in runs.server.asked if "echo" not in body]
    (shown,) = {prompt.count("Question: ") for prompt in prompts if "Question: " in prompt}
    assert shown == 6
    assert all(prompt.count(" and 1?") >= 5 for prompt in prompts if "Question: " in prompt)


def test_a_file_with_fewer_items_than_the_benchmark_is_said(runs):
    said = [event["text"] for event in runs.result.events if event["event"] == "warning"]
    assert any("boolq: the file has 4 items" in text for text in said)
    assert not any("gsm8k" in text for text in said)


BY_HAND = {name: ROWS[name] for name in ("gsm8k", "humaneval", "wikitext", "arc_easy")}
CODE_EVAL = '''
import subprocess
import sys
import datasets
import evaluate

class CodeEval(evaluate.Metric):
    def _info(self):
        return evaluate.MetricInfo(description="", citation="", features=datasets.Features({}))
    def compute(self, references, predictions, k):
        """Which programs end without an error."""
        def passes(program, test):
            try:
                return subprocess.run([sys.executable, "-c", program + chr(10) + test], timeout=3).returncode == 0
            except subprocess.TimeoutExpired:
                return False
        found = [passes(program, test) for test, (program,) in zip(references, predictions)]
        return {"pass@1": sum(found) / len(found)}, {}
'''


HAND = """
import json
from lm_eval import simple_evaluate
from lm_eval.tasks import TaskManager

found = simple_evaluate(
    "local-completions", "{client}", tasks={tasks}, limit={limit}, confirm_run_unsafe_code=True, bootstrap_iters=2,
    task_manager=TaskManager(include_path="tasks", include_defaults=False),
)
json.dump(found["results"], open("results.json", "w"))
"""


@pytest.fixture(scope="module")
def by_hand(runs, tmp_path_factory):
    """lm-eval as its documentation has it, with all of humaneval's six stops, over the same files at the same server; a plain judge stands
    where the hub's code_eval would be."""
    folder = tmp_path_factory.mktemp("by_hand")
    runs.server.most_stops = 6
    (folder / "code_eval").mkdir()
    (folder / "code_eval" / "code_eval.py").write_text(CODE_EVAL)
    (folder / "tasks").mkdir()
    package = Path(find_spec("lm_eval").submodule_search_locations[0])
    for name in BY_HAND:
        files = {SOURCES[name].split: runs.data[name].path} | ({"train": runs.data[EXAMPLES].path} if name == "gsm8k" else {})
        fields = {"task": f"hand_{name}", "dataset_path": "json", "dataset_name": None, "dataset_kwargs": {"data_files": files}}
        fields |= {"validation_split": None} | ({} if "train" in files else {"training_split": None})
        text = json.dumps({"include": str(package / "tasks" / SOURCES[name].definition), **fields})
        (folder / "tasks" / f"{name}.yaml").write_text(text)
    client = f"model=fake,base_url={runs.server.url}/v1/completions,tokenizer={runs.root / 'model'},max_length=2048"
    (folder / "hand.py").write_text(HAND.format(client=client, tasks=[f"hand_{name}" for name in BY_HAND], limit=LIMIT))
    home = {"HF_HOME": str(folder / "hf"), "HF_HUB_OFFLINE": "1", "OPENAI_API_KEY": ""}
    done = subprocess.run([sys.executable, "hand.py"], cwd=folder, env=os.environ | home, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads((folder / "results.json").read_text())


def test_scores_equal_those_of_lm_eval_by_hand(runs, by_hand):
    for name in BY_HAND:
        theirs = {metric.removesuffix(",none"): value for metric, value in by_hand[f"hand_{name}"].items()}
        ours = runs.scores[name]
        assert ours["lm_eval"] == {metric: theirs[metric] for metric in ours["lm_eval"]}, name
        if name != "wikitext":
            source = SOURCES[name]
            metric, kept = source.metric, "" if source.kept == "none" else f",{source.kept}"
            assert ours[source.measured] == pytest.approx(theirs[f"{metric}{kept}"], abs=1e-12)
            assert ours["standard_error"] == pytest.approx(theirs[f"{metric}_stderr{kept}"], abs=1e-12)


def test_without_hub_and_file_it_says_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    config = EvaluateConfig(tasks=(), benchmarks=("piqa",), context=2048)
    inputs = {"documents": tmp_path, "model": write_tokenizer(tmp_path / "model")}
    with pytest.raises(NodeError, match="could not be had from the Hugging Face hub") as refused:
        run_stage(EvaluateStage(), config, tmp_path / "node", inputs=inputs, services={"serve": Endpoint("http://127.0.0.1:9", "fake")})
    assert "evaluate: {data: {piqa: items.jsonl}}" in refused.value.hint
