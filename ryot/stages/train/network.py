"""Over which network interface the ranks of several machines talk: the one by which this machine reaches another of them."""

import os
import socket

import psutil

from ryot.plugins import NodeError

NAMES = ("GLOO_SOCKET_IFNAME", "NCCL_SOCKET_IFNAME")
"""The variables by which gloo and NCCL are told; a user's own word stands."""
_HINT = f"name the interface between the machines yourself: {' and '.join(NAMES)} in ryot's environment"


def talk_over(address: str) -> None:
    """Have gloo and NCCL use the interface that leads to `address`, a name or a number. Raises NodeError where none does."""
    missing = [name for name in NAMES if name not in os.environ]
    if missing:
        os.environ |= dict.fromkeys(missing, interface_to(address))


def interface_to(address: str) -> str:
    """The interface that the system would send by. Nothing is sent: a datagram's socket is only connected."""
    try:
        family, kind, _, _, place = socket.getaddrinfo(address, 9, type=socket.SOCK_DGRAM)[0]
        with socket.socket(family, kind) as probe:
            probe.connect(place)
            own = str(probe.getsockname()[0]).partition("%")[0]
    except OSError as error:
        raise NodeError(f"{socket.gethostname()} finds no way to {address}: {error.strerror or error}", hint=_HINT) from None
    for name, addresses in psutil.net_if_addrs().items():
        if any(str(each.address).partition("%")[0] == own for each in addresses):
            return str(name)
    if own.startswith("127."):
        return "lo"  # all of 127.0.0.0/8 is the loopback's, whatever it lists
    raise NodeError(f"{socket.gethostname()} reaches {address} from {own}, which no interface has", hint=_HINT)
