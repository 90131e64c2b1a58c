"""Processes that cannot meet say what to set. What ends a job is in test_engine/test_stopping.py."""

import socket

import pytest

from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.utils.processes import readable_network_errors, start_gloo


@pytest.fixture
def two_machines(monkeypatch):
    """Process 0 of a job on two machines."""
    for name, value in dict(RANK='0', WORLD_SIZE='2', LOCAL_WORLD_SIZE='1', MASTER_ADDR='10.0.0.7').items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv('GLOO_SOCKET_IFNAME', raising=False)
    monkeypatch.setattr(socket, 'gethostname', lambda: 'node7')


@pytest.mark.parametrize('address', ['', '127.0.1.1'])
def test_a_machine_whose_name_leads_nowhere(two_machines, monkeypatch, address):
    def lookup(name):
        if name == 'node7' and not address:
            raise socket.gaierror('unknown')
        return address if name == 'node7' else name

    monkeypatch.setattr(socket, 'gethostbyname', lookup)
    with pytest.raises(UserError, match=r'node7, stands for (no address|127.0.1.1).*GLOO_SOCKET_IFNAME=eth0'):
        start_gloo()


def test_errors_of_the_network_say_what_to_set():
    with pytest.raises(UserError, match=r'(?s)lost each other.*closed by peer.*MASTER_ADDR'), readable_network_errors():
        raise RuntimeError('[gloo/transport/tcp/pair.cc:547] Connection closed by peer [10.0.0.7]:2\nmore')
    with pytest.raises(RuntimeError, match='shape'), readable_network_errors():
        raise RuntimeError('shape mismatch')
