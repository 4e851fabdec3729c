"""What an HTTP answer is, and when each part of it came."""

import http.client
import socket
import struct
import threading
import time

import pytest

from ryot.stages.bench.connection import Answer, Clocks, Connection, Reply, arrived_ns, clocks

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


def test_the_time_of_an_answer_is_when_the_kernel_had_it_and_not_when_it_was_read():
    with socket.create_server(("127.0.0.1", 0)) as listening, socket.create_connection(listening.getsockname()) as ours:
        ours.setsockopt(socket.SOL_SOCKET, 35, 1)
        theirs, _ = listening.accept()
        for _ in range(1000):  # the kernel begins to stamp a moment after the first socket asks for it
            theirs.send(b"x")
            if ours.recvmsg(10, 100)[1]:
                break
            time.sleep(0.001)
        asked, before = clocks(), time.perf_counter_ns()
        theirs.send(b"x")
        sent = time.perf_counter_ns()
        time.sleep(0.05)  # a generator that has to wait for its core
        _, notes, _, _ = ours.recvmsg(10, 100)
        assert notes
        assert before - 10_000_000 <= arrived_ns(notes, asked) <= sent + 20_000_000  # 50 ms later it was read
        theirs.close()


def stamped(ahead_s):
    """What the kernel tells of an answer that came just now, by a clock of the day that is so far ahead."""
    return [(socket.SOL_SOCKET, 35, struct.pack("@qq", *divmod(time.time_ns() + round(ahead_s * 1e9), 10**9)))]


@pytest.mark.parametrize("ahead_s", [-3600, -10, 3600])
def test_a_clock_of_the_day_that_is_another_than_the_kernel_s_changes_no_time(ahead_s):
    sent = clocks()
    assert sent.now_ns <= arrived_ns(stamped(ahead_s), sent) <= time.perf_counter_ns()
    assert sent.now_ns <= arrived_ns([], sent) <= time.perf_counter_ns()


@pytest.mark.parametrize("set_s", [-3600, -0.05, 0.05, 10, 3600])
def test_a_clock_of_the_day_that_is_set_while_an_answer_is_waited_for_changes_no_time(set_s):
    """The stamp was made before it was set; by its age alone the answer would have come so much sooner."""
    now, today = clocks()
    sent = Clocks(now - 200_000_000, today - 200_000_000 - round(set_s * 1e9))
    before = time.perf_counter_ns()
    assert before <= arrived_ns(stamped(-set_s), sent) <= time.perf_counter_ns()


def test_a_connection_is_kept_and_a_closed_one_opened_anew():
    accepted = []

    def answer():
        for _ in range(2):
            theirs, _ = listening.accept()
            accepted.append(theirs)
            for _ in range(2):
                if theirs.recv(1000):
                    theirs.send(PLAIN)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        connection = Connection(f"http://127.0.0.1:{listening.getsockname()[1]}")
        assert [connection.ask(b"{}").answer().body for _ in range(2)] == [b"hello"] * 2
        connection.close()
        assert connection.ask(b"{}").answer().body == b"hello"
        connection.close()
        thread.join()
    assert len(accepted) == 2
    for theirs in accepted:
        theirs.close()


def test_a_server_that_is_not_there_is_an_error_with_its_cause():
    with socket.create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(ConnectionRefusedError):
        Connection(f"http://localhost:{port}").ask(b"{}")
