"""The server's command line and environment."""

from pathlib import Path

from ryot.stages.serve.command import Machine, arguments, environment, threads
from ryot.stages.serve.stage import ServeConfig

CPU, CUDA = Machine("cpu:AMD EPYC x2", 2), Machine("cuda:NVIDIA H200 x1", 16)


def flag(argv, name):
    return argv[argv.index(name) + 1]


def command_line(machine=CPU, **fields):
    return arguments(ServeConfig(context=128, **fields), machine, Path("/m"), 4321)


def test_the_server_binds_loopback_only():
    assert flag(command_line(), "--host") == "127.0.0.1"
    assert flag(command_line(), "--port") == "4321"


def test_no_code_of_the_model_is_trusted():
    assert "--trust-remote-code" not in command_line()


def test_auto_dtype_is_float32_on_a_cpu_and_the_checkpoints_on_a_gpu():
    assert flag(command_line(), "--dtype") == "float32"
    assert flag(command_line(CUDA), "--dtype") == "auto"
    assert flag(command_line(CUDA, dtype="bf16"), "--dtype") == "bfloat16"


def test_the_cache_is_reserved_to_the_byte():
    assert flag(command_line(kv_cache=123 << 20), "--kv-cache-memory-bytes") == str(123 << 20)


def test_eager_is_a_choice():
    assert "--enforce-eager" in command_line()
    assert "--enforce-eager" not in command_line(eager=False)


def test_one_core_is_left_for_clients_unless_the_spec_says_otherwise():
    assert threads(ServeConfig(context=8), Machine("cpu", 4)) == 3
    assert threads(ServeConfig(context=8), Machine("cpu", 1)) == 1
    assert threads(ServeConfig(context=8, threads=4), Machine("cpu", 4)) == 4


def test_nothing_is_fetched_and_nothing_is_told():
    for machine in (CPU, CUDA):
        env = environment(ServeConfig(context=8), machine)
        assert env["HF_HUB_OFFLINE"] == env["VLLM_NO_USAGE_STATS"] == env["DO_NOT_TRACK"] == "1"


def test_a_gpu_engine_is_not_bound_to_cpu_threads():
    assert "OMP_NUM_THREADS" not in environment(ServeConfig(context=8), CUDA)


def test_no_prefix_is_kept_for_a_recurrent_model_on_a_cpu():
    kept = {
        (machine.cuda, recurrent): "--no-enable-prefix-caching" not in arguments(
            ServeConfig(context=128), machine, Path("/m"), 4321, recurrent=recurrent
        )
        for machine in (CPU, CUDA) for recurrent in (False, True)
    }  # fmt: skip
    assert kept == {(False, False): True, (False, True): False, (True, False): True, (True, True): True}


def test_engines_are_never_started_through_ray():
    """ray#54364: an actor was killed for want of memory, and the processes of its engine were not."""
    one, many = command_line(CUDA), command_line(CUDA, tensor_parallel=4)
    assert flag(one, "--distributed-executor-backend") == "uni"
    assert flag(many, "--distributed-executor-backend") == "mp"
