"""Connection of several processes, and the end of a job when one of them is gone."""

import os
import socket
import sys
import threading
import time
from contextlib import contextmanager
from datetime import timedelta
from typing import Callable, Dict, Iterator, Tuple

from torch import distributed as dist

from ..errors import UserError

PEER_SECONDS = 45.0  # longest time without a sign of life; PEER_TIMEOUT in the environment overrides it
ADVICE = (
    'If a name or an address is wrong: MASTER_ADDR is an address of node 0 that every node reaches, and '
    'GLOO_SOCKET_IFNAME (on a GPU NCCL_SOCKET_IFNAME) the interface to it, as `ip address` lists them. If a port is '
    'taken: set PORT to a free one, the same on every node. Otherwise the cause is in the output of the process that '
    'ended first; --resume continues from the last checkpoint.'
)


def is_first_process() -> bool:
    """Return True in the process that acts for the whole job, also before the processes are connected."""
    return os.environ.get('RANK', os.environ.get('SLURM_PROCID', '0')) == '0'


def start_gloo() -> None:
    """Connect the processes of torchrun through gloo, for runs without a GPU.

    Raises:
        UserError: They cannot connect; the message says what to set.
    """
    _check_own_name()
    with readable_network_errors():
        dist.init_process_group('gloo')


def _check_own_name() -> None:
    """Raise an error if this machine's name stands for an address that other machines cannot reach."""
    alone = os.environ.get('WORLD_SIZE') == os.environ.get('LOCAL_WORLD_SIZE')
    if alone or 'GLOO_SOCKET_IFNAME' in os.environ or _address(os.environ.get('MASTER_ADDR', '')).startswith('127.'):
        return
    name = socket.gethostname()
    address = _address(name)
    if not address or address.startswith('127.'):
        raise UserError(
            f'the name of this machine, {name}, stands for {address or "no address"}, so processes on other machines '
            'cannot reach this one. Set GLOO_SOCKET_IFNAME (on a GPU NCCL_SOCKET_IFNAME) to the interface that '
            'connects them, as `ip address` lists it, e.g. GLOO_SOCKET_IFNAME=eth0.'
        )


def _address(name: str) -> str:
    try:
        return socket.gethostbyname(name) if name else ''
    except OSError:
        return ''


@contextmanager
def readable_network_errors() -> Iterator[None]:
    """Turn torch's errors in a block, when processes do not connect or lose each other, into advice on what to set.

    Raises:
        UserError: Replaces such an error.
    """
    try:
        yield
    except RuntimeError as error:
        text = str(error)
        kinds = ('gloo', 'NCCL', 'TCPStore', 'Connection closed by peer', 'Connection reset by peer', 'Socket Timeout')
        if not isinstance(error, getattr(dist, 'DistError', ())) and not any(kind in text for kind in kinds):
            raise
        raise UserError(f'the processes lost each other, or never met: {text.splitlines()[0]}\n{ADVICE}') from error


@contextmanager
def watch_peers(on_loss: Callable[[], None] = lambda: None) -> Iterator[None]:
    """End this process if another one of the job stops giving signs of life; does nothing for a single process.

    A machine that is switched off closes no connection: gloo then waits for half an hour, NCCL for ten minutes. Here a
    thread writes a sign of life to the store of the process group every few seconds; it does not matter how long the
    main thread works. A process whose launcher was killed ends as well, so that the others notice.

    Args:
        on_loss: Called before the process ends with exit code 1.
    """
    if not dist.is_available() or not dist.is_initialized() or dist.get_world_size() == 1:
        yield
        return
    watch = _Watch(on_loss)
    watch.start()
    try:
        yield
    except SystemExit:
        watch.leave()
        raise
    watch.leave()


class _Watch(threading.Thread):
    """Signs of life of all processes, as counters in the store."""

    def __init__(self, on_loss: Callable[[], None]) -> None:
        super().__init__(daemon=True)
        self.rank, self.world_size, self.on_loss = dist.get_rank(), dist.get_world_size(), on_loss
        self.limit = float(os.environ.get('PEER_TIMEOUT', PEER_SECONDS))
        self.parent = os.getppid()
        # A connection of its own, because the process group's may be blocked in a collective.
        self.store = dist.TCPStore(
            os.environ['MASTER_ADDR'],
            int(os.environ['MASTER_PORT']),
            is_master=False,
            wait_for_workers=False,
            timeout=timedelta(seconds=self.limit),
        )
        # now, not with the first count: a process that is lost before it said anything would never be missed
        self.store.set(f'peers/{self.rank}', '0')
        self.done = threading.Event()
        self.last: Dict[int, Tuple[bytes, float]] = {}  # rank -> its last sign of life, and when it was seen

    def leave(self) -> None:
        """Announce that this process ends normally."""
        self.done.set()
        self.join(self.limit)
        try:
            self.store.set(f'peers/{self.rank}', 'done')
        except RuntimeError:
            pass  # the process that holds the store ended first

    def run(self) -> None:
        count, connected = 0, time.monotonic()
        while not self.done.wait(self.limit / 9):  # several signs within the limit, so that one may be lost
            count += 1
            if os.getppid() != self.parent:
                self._end('the launcher of this process is gone')
            try:
                self.store.set(f'peers/{self.rank}', str(count))
                self._listen()
                connected = time.monotonic()
            except RuntimeError as error:
                if time.monotonic() - connected > self.limit:
                    self._end(f'no connection to {os.environ["MASTER_ADDR"]} any more ({str(error).splitlines()[0]})')

    def _listen(self) -> None:
        now = time.monotonic()
        for rank in range(self.world_size):
            key = f'peers/{rank}'
            if rank == self.rank or not self.store.check([key]):
                continue
            said, heard = self.store.get(key), self.last.get(rank)
            if heard is None or said != heard[0]:
                self.last[rank] = (said, now)
            elif said != b'done' and now - heard[1] > self.limit:
                self._end(f'process {rank} of {self.world_size} gave no sign of life for {self.limit:.0f} s')

    def _end(self, reason: str) -> None:
        if self.done.is_set():
            return
        print(f'\nerror: process {self.rank} ends, since {reason}. {ADVICE}', file=sys.stderr, flush=True)
        self.on_loss()
        os._exit(1)  # not sys.exit: the main thread may wait for the lost process forever
