"""HdrHistogram's text, line for line."""

from ryot.stages.bench.hgrm import printed


def test_percentiles_are_printed_as_hdrhistogram_does():
    lines = printed([number / 1000 for number in range(100, 0, -1)]).splitlines()
    assert lines[:4] == [
        "       Value     Percentile TotalCount 1/(1-Percentile)",
        "",
        "       1.000 0.000000000000          1           1.00",
        "      10.000 0.100000000000         10           1.11",
    ]
    assert "      50.000 0.500000000000         50           2.00" in lines
    assert "      55.000 0.550000000000         55           2.22" in lines
    assert "      99.000 0.987500000000         99          80.00" in lines
    assert lines[-5:] == [
        "     100.000 0.990625000000        100         106.67",
        "     100.000 1.000000000000        100",
        "#[Mean    =       50.500, StdDeviation   =       28.866]",
        "#[Max     =      100.000, Total count    =          100]",
        "#[Buckets =            0, SubBuckets     =            0]",
    ]
    counts = [int(line.split()[2]) for line in lines[2:-3]]
    assert counts == sorted(counts)


def test_one_sample_and_none():
    assert printed([0.5]).splitlines()[2:4] == [
        "     500.000 0.000000000000          1           1.00",
        "     500.000 1.000000000000          1",
    ]
    assert printed([]).count("\n") == 2
