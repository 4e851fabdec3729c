"""The preparation of 100B tokens, epochs of its sources, and the least loss data allow."""

import math

import pytest

from ryot.estimate.dataset import dataset_estimate, entropy_floor, epochs, token_width
from ryot.spec.data import Data
from ryot.spec.filters import Filters, Length
from ryot.spec.model import Model

HYBRID, SMALL = Model.model_validate({"preset": "hybrid-1.3b"}), Model.model_validate({"preset": "ryot-scaled"})
MIXTURE = [("c4", 0.30, "156B"), ("pile", 0.25, "300B"), ("starcoder", 0.15, "250B"), ("books", 0.10, "26B"),
           ("wikipedia", 0.05, "3.5B"), ("arxiv", 0.05, "15B"), ("openwebtext", 0.05, "8B"), ("stackexchange", 0.05, "5B")]  # fmt: skip


def data(sources, **fields):
    return Data.model_validate({"sources": sources, **fields})


@pytest.fixture
def mixture():
    sources = [{"hub": f"of/{name}", "weight": weight, "tokens": tokens} for name, weight, tokens in MIXTURE]
    return data(sources, tokens="100B", preparation={"workers": 32})


def test_100b_tokens_are_480_gb_to_download_and_400_gb_as_tokens(mixture):
    found = dataset_estimate(mixture, HYBRID)
    assert found.text_bytes == pytest.approx(480e9)
    assert found.download_s / 3600 == pytest.approx(13.33, abs=0.01)
    assert found.token_bytes == 400_000_000_000
    assert found.storage_bytes == pytest.approx(880e9)


def test_without_filters_all_that_is_read_is_kept(mixture):
    found = dataset_estimate(mixture, HYBRID)
    assert (found.text_bytes, found.kept_bytes, found.tokens_read) == (pytest.approx(480e9), pytest.approx(480e9), 100_000_000_000)
    nothing_on = mixture.model_copy(update={"filters": Filters()})
    assert dataset_estimate(nothing_on, HYBRID).tokens_read == 100_000_000_000


def test_tokens_are_those_after_the_filters_and_what_they_drop_is_read_but_not_tokenised(mixture):
    found = dataset_estimate(mixture.model_copy(update={"filters": Filters(length=Length())}), HYBRID)
    assert (found.tokens, found.tokens_read) == (100_000_000_000, round(100e9 / 0.7))
    assert found.download_s == pytest.approx(480e9 / 0.7 / 10e6)
    assert found.filter_s == pytest.approx(480e9 / 0.7 / (3e6 * 32))
    assert found.dedup_s == pytest.approx(480e9 / (10e6 * 32))
    assert found.tokenize_s == pytest.approx(480e9 / (1.4e6 * 32))
    assert found.total_s == pytest.approx(found.download_s + found.filter_s + found.dedup_s + found.tokenize_s)


def test_wikipedia_is_gone_through_1_43_times(mixture):
    assert dataset_estimate(mixture, HYBRID).epochs["of/wikipedia"] == pytest.approx(1.43, abs=0.005)
    assert epochs(mixture)[0] == pytest.approx(0.3 * 100 / 156)
    assert epochs(mixture, 200e9)[4] == pytest.approx(2.86, abs=0.01)


def test_every_claim_about_data_is_explained(mixture):
    found = dataset_estimate(mixture, HYBRID)
    names = ("download_time", "filter_time", "dedup_time", "tokenize_time", "tokens_storage", "storage")
    values = [found.explained(name)[0] for name in names]
    assert values == [found.download_s, found.filter_s, found.dedup_s, found.tokenize_s, found.token_bytes, found.storage_bytes]
    assert found.explained("tokens_storage")[1] == "100,000,000,000 tokens x 4 bytes: a vocabulary of 128,256 does not fit 16 bits"


def test_without_a_number_of_tokens_nothing_is_estimated():
    assert dataset_estimate(data([{"generate": {}}]), SMALL) is None
    assert epochs(data([{"generate": {}}])) == (None,)


@pytest.mark.parametrize(("vocabulary", "width"), [(50_000, 2), (65_536, 2), (65_537, 4), (128_256, 4)])
def test_an_id_takes_two_bytes_up_to_65536(vocabulary, width):
    assert token_width(vocabulary) == width


def test_random_tokens_cannot_be_learnt_below_the_logarithm_of_the_vocabulary():
    assert entropy_floor(data([{"path": "random.jsonl", "entropy": "uniform"}]), SMALL) == pytest.approx(math.log(2048))


def test_the_floor_of_a_mixture_is_the_mean_by_weight():
    two = data([{"path": "a", "entropy": "uniform", "weight": 0.25}, {"path": "b", "entropy": 1.0, "weight": 0.75}])
    assert entropy_floor(two, SMALL) == pytest.approx(0.25 * math.log(2048) + 0.75)
    sized = data([{"path": "a", "entropy": 2.0, "tokens": 100}, {"path": "b", "entropy": 1.0, "tokens": 300}])
    assert entropy_floor(sized, SMALL) == pytest.approx(1.25)


def test_there_is_no_floor_where_one_source_or_its_share_is_unknown():
    assert entropy_floor(data([{"path": "a", "entropy": 2.0}, {"path": "b"}]), SMALL) is None
    assert entropy_floor(data([{"path": "a", "entropy": 2.0}, {"path": "b", "entropy": 1.0}]), SMALL) is None
    assert entropy_floor(data([{"path": "a", "entropy": 2.0}, {"path": "b", "entropy": 2.0}]), SMALL) == 2.0


def test_sources_of_one_name_are_told_apart():
    assert data([{"generate": {}}, {"hub": "a/b"}, {"generate": {}}]).names == ("generated", "a/b", "generated #2")
