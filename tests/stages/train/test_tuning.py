import pytest

from ryot.estimate import training
from ryot.stages.train.stage import CompressorChoice, KernelChoice, ModelShape, Recipe, ScalingChoice, TrainConfig
from ryot.stages.train.tuning import SHORT, TRIAL, Means, Tuner

SHAPE = ModelShape(family="gpt", vocab_size=300, hidden_size=32, layers=1, heads=2, ffn_size=64, context=512)
CPU, WITH_BF16 = Means("cpu"), Means("cpu", bf16=True)


def config(level: int = 1, scaling: int | None = None) -> TrainConfig:
    calibration = ScalingChoice(warmup_steps=scaling) if scaling else None
    return TrainConfig(model=SHAPE, recipe=Recipe(batch_size=8, steps=1000, lr=0.1), kernel=KernelChoice(level=level), scaling=calibration)


def run(tuner: Tuner, updates: int, seconds: dict[str, float]) -> None:
    """Observe updates whose time is given by what the tuner chose for them."""
    for update in range(updates):
        name = (
            "compiled" if tuner.compiled(update) else "bf16" if tuner.half(update) and "bf16" in seconds else f"rows {tuner.rows(update)}"
        )
        tuner.observe(update, seconds[name], 100)


def test_scaling_keeps_the_fastest_rows_and_goes_on_with_them() -> None:
    tuner = Tuner.start(config(scaling=8), 1000, CPU)
    run(tuner, 8, {"rows 2": 3.0, "rows 4": 1.0, "rows 8": 2.0, "rows 16": 4.0})
    assert tuner.chosen["rows"] == 4
    assert tuner.rows(9) == tuner.rows(999) == 4


def test_rows_that_are_hardly_faster_are_not_taken() -> None:
    tuner = Tuner.start(config(scaling=8), 1000, CPU)
    run(tuner, 8, {"rows 2": 3.0, "rows 4": 0.98, "rows 8": 1.0, "rows 16": 4.0})
    assert tuner.chosen["rows"] == 8


def test_rows_that_are_compiled_first_are_not_judged_by_that() -> None:
    """Four candidates, and a warm-up of four: each is timed twice, and its first time made ready what the others find."""
    tuner = Tuner.start(config(scaling=4), 100, CPU)
    for update in range(8):
        rows = tuner.rows(update)
        tuner.observe(update, (0.7 if rows == 4 else 1.0) * 100 + (500 if update < 4 and rows == 4 else 0), 100)
    assert tuner.chosen["rows"] == 4


def test_without_scaling_the_rows_are_the_batch() -> None:
    assert Tuner.start(config(), 10, CPU).rows(0) == 8


def test_level_3_keeps_compiled_code_that_is_faster() -> None:
    tuner = Tuner.start(config(level=3), 1000, CPU)
    run(tuner, 3 * TRIAL, {"rows 8": 1.0, "compiled": 0.5})
    assert tuner.chosen["compile"] is True
    assert tuner.compiled(999)


def test_level_3_drops_compiled_code_that_is_slower() -> None:
    tuner = Tuner.start(config(level=3), 1000, CPU)
    run(tuner, 3 * TRIAL, {"rows 8": 1.0, "compiled": 1.1})
    assert tuner.chosen["compile"] is False
    assert not tuner.compiled(999)


def test_level_3_does_not_compile_when_too_little_remains() -> None:
    tuner = Tuner.start(config(level=3), 8, CPU)
    run(tuner, 8, {"rows 8": 1.0})
    assert tuner.chosen["compile"] is False


def test_level_2_compiles_always_and_level_1_never() -> None:
    assert Tuner.start(config(level=2), 8, CPU).compiled(0)
    assert not Tuner.start(config(level=1), 8, CPU).compiled(7)


def test_level_3_keeps_bf16_that_is_faster_and_only_then_times_rows() -> None:
    tuner = Tuner.start(config(level=3, scaling=4), 1000, WITH_BF16)
    assert [tuner.half(update) for update in range(4)] == [False, True, False, True]
    run(tuner, 2 * (TRIAL + 1), {"rows 8": 1.0, "bf16": 0.6})
    assert tuner.chosen["precision"] == "bf16"
    assert tuner.chosen["precision_reason"] == "bf16 updates take -40.0% time"
    assert "rows" not in tuner.chosen
    assert tuner.half(8)
    assert tuner.half(9)


def test_level_3_drops_bf16_that_is_slower() -> None:
    tuner = Tuner.start(config(level=3), 1000, WITH_BF16)
    run(tuner, 2 * (TRIAL + 1), {"rows 8": 1.0, "bf16": 1.1})
    assert tuner.chosen["precision"] == "fp32"
    assert not tuner.half(999)


def test_bf16_whose_gradient_is_off_is_not_used_at_any_level() -> None:
    for level in (2, 3):
        tuner = Tuner.start(config(level=level), 1000, WITH_BF16)
        assert tuner.half(1)
        tuner.check(0.2, 0.1)
        assert tuner.checked
        assert not tuner.half(1)
        assert tuner.chosen["precision_reason"] == "the gradient in bf16 is off by 20.0%"


def test_level_2_computes_in_bf16_from_the_first_update_where_there_is_any() -> None:
    assert Tuner.start(config(level=2), 8, WITH_BF16).half(0)
    assert not Tuner.start(config(level=2), 8, CPU).half(0)


def test_a_recipe_in_bf16_leaves_nothing_to_choose() -> None:
    given = config(level=3)
    half = given.model_copy(update={"recipe": given.recipe.model_copy(update={"precision": "bf16"})})
    assert Tuner.start(half, 8, CPU).chosen["precision"] == "bf16"
    assert not Tuner.start(half, 8, CPU).half(1)


def packing(auto: bool, scaling: int | None = None) -> TrainConfig:
    return config(scaling=scaling).model_copy(update={"compressor": CompressorChoice(ratio=0.3, auto=auto)})


@pytest.mark.parametrize(("packed", "kept"), [(0.8, True), (1.1, False)])
def test_auto_keeps_packing_only_where_it_saves_time(packed: float, kept: bool) -> None:
    tuner = Tuner.start(packing(auto=True, scaling=4), 1000, CPU)
    for update in range(2 * (TRIAL + 1)):
        tuner.observe(update, packed if tuner.packed(update) else 1.0, 100)
    assert tuner.chosen["packing"] is kept
    assert tuner.packed(8) is tuner.packed(9) is kept
    assert "rows" not in tuner.chosen


def test_without_auto_packing_is_as_the_spec_says() -> None:
    assert Tuner.start(packing(auto=False), 10, CPU).packed(0)
    assert not Tuner.start(config(), 10, CPU).packed(1)


def short(level: int) -> TrainConfig:
    given = config(level=level)
    return given.model_copy(update={"model": given.model.model_copy(update={"context": SHORT})})


@pytest.mark.parametrize(("naive", "kept"), [(0.9, "eager"), (1.1, "sdpa")])
def test_level_3_keeps_naive_attention_where_rows_are_short_and_it_is_faster(naive: float, kept: str) -> None:
    tuner = Tuner.start(short(3), 1000, CPU)
    for update in range(2 * (TRIAL + 1)):
        tuner.observe(update, naive if tuner.attention(update) == "eager" else 1.0, 100)
    assert tuner.chosen["attention"] == kept
    assert tuner.attention(8) == tuner.attention(9) == kept


def test_naive_attention_is_tried_by_level_3_on_cpus_only() -> None:
    assert [Tuner.start(short(level), 9, CPU).chosen.get("attention") for level in range(4)] == ["eager", "sdpa", "sdpa", None]
    assert Tuner.start(short(3), 9, Means("cuda")).chosen["attention"] == "sdpa"
    assert Tuner.start(config(level=3), 9, CPU).chosen["attention"] == "sdpa"


def test_trials_come_one_after_the_other() -> None:
    both = short(3).model_copy(update={"compressor": CompressorChoice(ratio=0.3, auto=True), "scaling": ScalingChoice(warmup_steps=4)})
    tuner = Tuner.start(both, 1000, WITH_BF16)
    order = []
    for update in range(40):
        tuner.observe(update, 1.0, 100)
        order += [name for name in ("precision", "attention", "packing", "rows") if name in tuner.chosen and name not in order]
    assert order == ["precision", "attention", "packing", "rows"]


def test_the_plan_knows_up_to_which_context_naive_attention_is_tried() -> None:
    assert training.SHORT == SHORT


def test_choices_survive_a_restart() -> None:
    tuner = Tuner.start(config(level=3, scaling=4), 1000, CPU)
    run(tuner, 5, dict.fromkeys(("rows 2", "rows 4", "rows 8", "rows 16"), 1.0))
    again = Tuner.start(config(level=3, scaling=4), 1000, CPU)
    again.restore(tuner.state())
    assert again == tuner
