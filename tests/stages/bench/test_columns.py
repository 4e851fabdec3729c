"""Raw samples in columns: exactly what was taken, for ryot and for others who read Parquet, and never something else."""

import math
import random
from pathlib import Path

import pytest

pd = pytest.importorskip("pandas")
from pyarrow import parquet  # noqa: E402 - after what it needs

from ryot.measures import Evidence, point  # noqa: E402
from ryot.plugins import NodeError  # noqa: E402
from ryot.stages.bench import columns  # noqa: E402
from ryot.stages.bench.declared import MEASURES  # noqa: E402
from ryot.stages.bench.orders import Orders  # noqa: E402
from ryot.stages.bench.samples import latencies, parse  # noqa: E402
from ryot.stages.bench.stage import Arrivals, BenchConfig, Span, Step  # noqa: E402

CONFIG = BenchConfig(scenario="s", vocab_size=512, timeout=30.0)
ORDERS = Orders("", "m", "s", 1, 200, 10, 2, 32, 1, 30.0, 512, 0, "", "", prompt_most=64, workers=2)


def drawn(count, chunks=4):
    """Samples as a generator writes them, in nanoseconds, some of which failed."""
    draw, lines, now = random.Random(5), [], 10**15
    for number in range(count):
        now += draw.randrange(10**8)
        marks = sorted(now + draw.randrange(10**9) for _ in range(draw.randint(0, chunks)))
        error = draw.choice(["", "", "", "timeout", "HTTP 503"])
        lines.append(str([number, now, now + 10**9, len(marks), error, now + draw.randrange(10**5), marks]).replace("'", '"'))
    return parse(lines)


def file(folder, samples, config=CONFIG, orders=ORDERS):
    path = folder / columns.FILE
    path.write_bytes(columns.of_load(config, orders, samples))
    return path


@pytest.mark.parametrize(("count", "chunks"), [(0, 0), (1, 0), (300, 6)])
def test_samples_come_back_to_the_last_bit(tmp_path, count, chunks):
    """Below any folder: one of such a name is a partition to who reads whole trees."""
    samples, folder = drawn(count, chunks), tmp_path / "a=b"
    folder.mkdir()
    assert columns.read(file(folder, samples)) == samples


def test_percentiles_of_the_file_are_those_of_the_verdict(tmp_path):
    samples = drawn(300)
    found = pd.read_parquet(path := file(tmp_path, samples))
    took = found.end_s - found.intended_s
    timeout_s = float(parquet.read_schema(path).metadata[b"ryot.timeout_s"])
    took = took.where(found.error.isna(), took.clip(lower=timeout_s))
    assert sorted(took) == sorted(latencies(samples, CONFIG.timeout))
    (p95,) = (measure for measure in MEASURES if measure.name == "latency_p95")
    assert took.quantile(0.95, interpolation="higher") >= point(p95, Evidence(samples=took.tolist()))
    assert took.sort_values().iloc[math.ceil(0.95 * 300) - 1] == point(p95, Evidence(samples=latencies(samples, CONFIG.timeout)))
    assert found.error.value_counts().to_dict() == pd.Series([one.error for one in samples if one.error]).value_counts().to_dict()


def test_who_made_a_request_in_which_step_and_how_long_its_prompts_were(tmp_path):
    ramp = (Step(rate=20, lasts=1.0, requests=20), Step(rate=80, lasts=1.0, requests=30))
    config = CONFIG.model_copy(update={"arrivals": Arrivals(ramp=ramp), "prompt_tokens": Span(least=32, most=64)})
    found = pd.read_parquet(file(tmp_path, drawn(51), config))
    assert found.step.tolist() == [1] * 20 + [2] * 31
    assert found.generator.tolist() == [0, 1] * 25 + [0]
    assert found.prompt_tokens.tolist() == [2 * ORDERS.lengths(10 + number)[0] for number in range(51)]
    assert (found.side.isna().all(), found["round"].isna().all()) == (True, True)


def test_every_column_has_its_type_and_unit_in_the_file_and_in_the_docs(tmp_path):
    schema = parquet.read_schema(file(tmp_path, drawn(3)))
    assert schema.metadata[b"ryot.schema"] == b"ryot.requests/1"
    assert [field.name for field in schema] == [field.name for field in columns.COLUMNS]
    told = (Path(__file__).parents[3] / "docs" / "samples.md").read_text()
    for field in schema:
        unit = field.metadata[b"unit"].decode()
        assert unit == ("s" if field.name.endswith("_s") else "tokens" if field.name.endswith("_tokens") else "")
        assert field.metadata[b"about"]
        assert f"| {field.name} | {field.type} | {unit} |".replace("<element: double>", "").replace("  ", " ") in told


def test_a_file_of_another_schema_is_not_read(tmp_path):
    path = tmp_path / "other.parquet"
    pd.DataFrame({"number": [1]}).to_parquet(path)
    with pytest.raises(NodeError, match="is no file of samples"):
        columns.read(path)
    with pytest.raises(NodeError, match="cannot be read"):
        columns.read(tmp_path / "none.parquet")
