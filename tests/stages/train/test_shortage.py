"""How a shortage of memory is recognised, and the micro-batch that is tried next."""

import itertools
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ryot.stages.train.shortage import kills, ran_out, smaller
from ryot.stages.train.stage import Recipe


@pytest.mark.parametrize("error", [
    RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:121] err == 0. DefaultCPUAllocator: can't allocate memory: you tried to allocate 8"),
    OSError(12, "Cannot allocate memory"),
    MemoryError(),
])  # fmt: skip
def test_every_engines_words_for_it_are_known(error: BaseException) -> None:
    assert ran_out(error)


@pytest.mark.parametrize(
    "error", [RuntimeError("mat1 and mat2 shapes cannot be multiplied"), ValueError("out of memory"), OSError(28, "x")]
)
def test_other_errors_are_no_shortage(error: BaseException) -> None:
    assert not ran_out(error)


@pytest.mark.heavy
def test_torchs_own_error_is_a_shortage() -> None:
    import torch  # noqa: PLC0415 - only the heavy tests pay for it

    with pytest.raises(RuntimeError) as caught:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert ran_out(caught.value)
    assert ran_out(torch.OutOfMemoryError("CUDA out of memory"))


def system(folder: Path, group: str, files: dict[str, str]) -> tuple[Path, Path]:
    """A /proc and a /sys/fs/cgroup."""
    proc, groups = folder / "proc", folder / "cgroup"
    for path, text in {"proc/self/cgroup": group, **files}.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return proc, groups


@pytest.mark.parametrize(("group", "files", "count"), [
    ("0::/a/b\n", {"cgroup/a/b/memory.events": "low 0\noom 9\noom_kill 3\noom_group_kill 0\n"}, 3),
    ("4:memory:/a\n1:cpu:/\n0::/\n", {"cgroup/memory/a/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n"}, 5),
    ("0::/gone\n", {"proc/vmstat": "nr_free_pages 1\noom_kill 7\n"}, 7),
    ("0::/gone\n", {}, None),
])  # fmt: skip
def test_the_kernels_count_is_read_wherever_it_stands(tmp_path: Path, group: str, files: dict[str, str], count: int | None) -> None:
    assert kills(*system(tmp_path, group, files)) == count


@settings(deadline=None)
@given(st.integers(1, 512), st.integers(1, 64), st.integers(1, 8))
def test_a_smaller_micro_batch_leaves_the_update_as_it_was(batch: int, accumulation: int, ranks: int) -> None:
    recipe = Recipe(batch_size=batch, accumulation=accumulation, ranks=ranks, steps=1, lr=1e-3)
    sizes = [recipe.batch_size]
    while (less := smaller(recipe)) is not None:
        assert less.global_batch == recipe.global_batch
        assert less.model_copy(update={"batch_size": recipe.batch_size, "accumulation": recipe.accumulation}) == recipe
        recipe = less
        sizes.append(recipe.batch_size)
    assert sizes[-1] == 1
    assert all(later <= earlier / 2 for earlier, later in itertools.pairwise(sizes))
