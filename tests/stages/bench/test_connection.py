"""What an HTTP answer is, and when each part of it came."""

import http.client

import pytest

from ryot.stages.bench.connection import Answer, Reply

PLAIN = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n6;x=1\r\nd0\r\n\r\n\r\n0\r\n\r\n"


def taken(*pieces):
    """A reply to which pieces came, one every second."""
    reply = Reply()
    for number, piece in enumerate(pieces, 1):
        assert not reply.whole
        reply.take(piece, number)
    return reply


@pytest.mark.parametrize("data", [PLAIN, CHUNKED])
def test_an_answer_is_whole_with_its_last_byte_and_not_before(data):
    whole = taken(data).answer()
    for cut in range(1, len(data)):
        reply = taken(data[:cut], data[cut:])
        assert (reply.whole, reply.end_ns, reply.lasts) == (True, 2, True)
        assert (reply.answer().status, reply.answer().body) == (200, whole.body)
    assert taken(*(data[at : at + 1] for at in range(len(data)))).answer().body == whole.body


def test_each_chunk_has_the_time_at_which_it_was_whole():
    cut = CHUNKED.index(b"abc") + 1
    assert taken(CHUNKED[:cut], CHUNKED[cut : cut + 2], CHUNKED[cut + 2 :]).answer() == Answer(200, [(2, b"abc"), (3, b"d0\r\n\r\n")])


def test_a_chunk_that_looks_like_the_end_is_none():
    upto = CHUNKED.index(b"d0\r\n\r\n") + 6
    assert not taken(CHUNKED[:upto]).whole


def test_an_answer_without_a_length_ends_with_the_connection():
    reply = taken(b"HTTP/1.0 200 OK\r\n\r\nabc", b"def", b"")
    assert (reply.answer().body, reply.lasts) == (b"abcdef", False)


def test_a_server_may_say_that_it_closes():
    assert not taken(b"HTTP/1.1 503 Busy\r\ncontent-length: 0\r\nConnection: close\r\n\r\n").lasts


@pytest.mark.parametrize(
    ("data", "error"),
    [
        (b"", http.client.RemoteDisconnected),
        (PLAIN[:30], http.client.IncompleteRead),
        (PLAIN[:-1], http.client.IncompleteRead),
        (CHUNKED[:-1], http.client.IncompleteRead),
    ],
)
def test_a_connection_that_ends_too_early_is_an_error(data, error):
    with pytest.raises(error):
        taken(*([data] if data else []), b"")


@pytest.mark.parametrize("data", [b"SSH-2.0-x\r\n\r\n", b"HTTP/1.1 OK\r\n\r\n", CHUNKED.replace(b"3\r\nabc", b"z\r\nabc")])
def test_what_is_no_http_is_an_error(data):
    with pytest.raises(http.client.HTTPException):
        taken(data)
