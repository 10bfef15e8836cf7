"""Ports that others hold are named before anything is started."""

import os
import re
import socket
from collections.abc import Iterator

import pytest

from sandbox import ports
from sandbox.errors import PortInUseError


@pytest.fixture
def taken() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_free_ports_are_accepted() -> None:
    first, second = ports.free_ports(2)

    ports.require_free({"airflow": first, "aws": second})

    assert first != second


def test_a_taken_port_is_named_with_its_holder_the_option_and_the_variable(taken: int) -> None:
    holder = rf"port {taken} for aws is in use by .+ \(pid {os.getpid()}\)"
    message = rf"(?s){holder}.*make up ARGS=\"--aws-port \d+\".*CLOUDTRAIL_SANDBOX_AWS_PORT=\d+"
    with pytest.raises(PortInUseError, match=message):
        ports.require_free({"aws": taken})


def test_every_taken_port_is_named(taken: int) -> None:
    with pytest.raises(PortInUseError) as error:
        ports.require_free({"aws": taken, "databricks": taken, "airflow": ports.free_ports(1)[0]})

    assert re.findall(r"--(\w+)-port", str(error.value)) == ["aws", "databricks"]


def test_a_port_taken_on_every_address_is_taken() -> None:
    with socket.create_server(("0.0.0.0", 0)) as server:  # noqa: S104 - a port for this moment
        assert not ports.is_free(server.getsockname()[1])


def test_a_port_is_free_right_after_its_server_has_ended() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = server.accept()
            accepted.close()  # the side that closes first keeps the port in TIME_WAIT

    assert ports.is_free(port)
