"""The line between a host and its database: cut, silent, given up by the far side."""

import socket
from collections.abc import Iterator

import pytest

from tests.chaos.line import HOST, Line, Loop


@pytest.fixture
def far() -> Iterator[socket.socket]:
    """What the line leads to."""
    with socket.create_server((HOST, 0)) as listening:
        listening.settimeout(5)
        yield listening


@pytest.fixture
def line(far: socket.socket) -> Iterator[Line]:
    loop = Loop()
    found = Line(loop, lambda: far.getsockname()[1])
    yield found
    found.close()
    loop.close()


def connected(line: Line, far: socket.socket) -> tuple[socket.socket, socket.socket]:
    near = socket.create_connection((HOST, line.port), timeout=5)
    there, _ = far.accept()
    there.settimeout(5)
    near.sendall(b"one")
    assert there.recv(10) == b"one"
    return near, there


def test_a_line_that_is_cut_refuses_until_it_is_mended(line: Line, far: socket.socket) -> None:
    near, there = connected(line, far)
    with near, there:
        line.cut()
        for end in (near, there):
            with pytest.raises(ConnectionResetError):
                end.recv(10)
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection((HOST, line.port), timeout=5)
        line.mend()
    for end in connected(line, far):
        end.close()


def test_what_was_held_goes_on_its_way(line: Line, far: socket.socket) -> None:
    near, there = connected(line, far)
    with near, there:
        line.stall()
        near.sendall(b"two")
        there.settimeout(0.1)
        with pytest.raises(TimeoutError):
            there.recv(10)
        line.mend()
        there.settimeout(5)
        assert there.recv(10) == b"two"


def test_a_host_that_was_given_up_hears_it_when_it_speaks(line: Line, far: socket.socket) -> None:
    near, there = connected(line, far)
    with near, there:
        line.stall()
        line.forget()
        with pytest.raises(ConnectionResetError):
            there.recv(10)
        line.mend()
        near.settimeout(0.1)
        with pytest.raises(TimeoutError):
            near.recv(10)
        near.settimeout(5)
        near.sendall(b"two")
        with pytest.raises(ConnectionResetError):
            near.recv(10)
