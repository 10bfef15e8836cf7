"""TCP ports: which are free, and which another program uses."""

import socket
from collections.abc import Mapping

import psutil

from sandbox.errors import PortInUseError
from sandbox.settings import HOST


def require_free(wanted: Mapping[str, int]) -> None:
    """Raise if another program uses one of the ports in `wanted`, which maps a service's name to its port.

    Raises:
        PortInUseError: names every port in use and, if the system shows it, the program. It gives the
            arguments and the variables that choose other ports.
    """
    taken = {service: port for service, port in wanted.items() if not is_free(port)}
    if not taken:
        return
    lines = [f"port {port} for {service} is in use{_holder(port)}" for service, port in taken.items()]
    others = dict(zip(taken, free_ports(len(taken)), strict=True))
    options = " ".join(f"--{service}-port {port}" for service, port in others.items())
    variables = " ".join(
        f"CLOUDTRAIL_SANDBOX_{service.upper()}_PORT={port}" for service, port in others.items()
    )
    raise PortInUseError(
        "\n".join(
            [
                "nothing was started:",
                *lines,
                "Stop that program, or choose another port:",
                f'  make up ARGS="{options}"',
                "`make demo` takes the same arguments. Both commands also read these variables:",
                f"  {variables}",
            ]
        )
    )


def is_free(port: int) -> bool:
    """Return whether a server can listen on `port` of 127.0.0.1."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_ports(count: int) -> list[int]:
    """Return `count` different ports that no program uses at this moment."""
    probes = [socket.socket(socket.AF_INET, socket.SOCK_STREAM) for _ in range(count)]
    try:
        for probe in probes:
            probe.bind((HOST, 0))
        return [int(probe.getsockname()[1]) for probe in probes]
    finally:
        for probe in probes:
            probe.close()


def _holder(port: int) -> str:
    try:
        for connection in psutil.net_connections("tcp"):
            address = connection.laddr
            if connection.status == psutil.CONN_LISTEN and address and address[1] == port and connection.pid:
                return f" by {psutil.Process(connection.pid).name()} (pid {connection.pid})"
    except psutil.Error:
        pass  # macOS shows other programs' ports to root only
    return ""
