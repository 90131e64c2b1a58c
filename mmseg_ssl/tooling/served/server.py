"""The server: three fixed files, and one address that takes an image."""

import json
import threading
import time
import traceback
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Dict, NamedTuple, Tuple

import numpy as np

from ...apis import TrainedNetwork
from ...visualization import heat
from ..cli import UserError
from ..html_pages import render
from .answers import answer, class_list
from .uploads import FORMATS, RefusedError, read_upload

HEADERS = {
    'Content-Security-Policy': (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; connect-src 'self'; "
        "form-action 'none'; frame-ancestors 'none'; base-uri 'none'"
    ),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cache-Control': 'no-store',
}
AT_ONCE = 4
"""Images held in memory at the same time; one is predicted, the others wait."""
LOCAL = ('localhost', '127.0.0.1')


class ServerLimits(NamedTuple):
    """What is accepted."""

    megabytes: float = 20.0  # of a file
    megapixels: float = 40.0  # of an image


class PredictionServer(ThreadingHTTPServer):
    """Serves a network's page; see :func:`open_server`."""

    daemon_threads = True

    def __init__(self, address: Tuple[str, int], network: TrainedNetwork, title: str, limits: ServerLimits) -> None:
        self.network, self.limits = network, limits
        self.one_at_a_time, self.places = threading.Lock(), threading.BoundedSemaphore(AT_ONCE)
        settings = dict(classes=class_list(network.classes, network.palette), megabytes=limits.megabytes)
        settings['heat'] = heat(np.arange(256.0)[None], 0, 255)[0].tolist()
        page = render(
            'serve.html', title=title, settings=json.dumps(settings), formats=', '.join(FORMATS), limits=limits
        )
        self.files: Dict[str, Tuple[str, bytes]] = {
            '/': ('text/html', page.encode()),
            '/serve.css': ('text/css', (render('base.css') + render('serve.css')).encode()),
            '/serve.js': ('text/javascript', render('serve.js').encode()),
        }
        super().__init__(address, PageHandler)

    @property
    def url(self) -> str:
        """Return the address of the page."""
        return f'http://{self.server_address[0]!s}:{self.server_address[1]}/'

    @property
    def is_local(self) -> bool:
        """Return whether only this machine can reach it."""
        return self.server_address[0] in LOCAL

    def predict(self, content: bytes) -> Dict[str, Any]:
        """Predict an uploaded image.

        Args:
            content: The file.

        Raises:
            RefusedError: It is no image, or the network cannot predict it.
        """
        pixels, said = read_upload(content, self.network, self.limits.megapixels)
        with self.one_at_a_time:
            began = time.perf_counter()
            try:
                found = self.network(pixels)
            except Exception as error:  # the server goes on with the next image
                traceback.print_exc()
                reason = str(error).partition('\n')[0][:300]
                raise RefusedError(500, f'The network could not predict this image: {reason}') from error
            return answer(pixels, found, time.perf_counter() - began, said)


class PageHandler(BaseHTTPRequestHandler):
    """Answers a request; every path that is not in a fixed table is unknown, so none leads to a file of the disk."""

    server: PredictionServer
    server_version, sys_version = 'mmseg_ssl', ''
    timeout = 30  # seconds without a byte
    unread = 0  # bytes of the body

    def do_GET(self) -> None:
        """Send the page or one of its files."""
        try:
            self._require_own_page()
            kind, content = self.server.files.get(self.path, ('', b''))
            if not kind:
                raise RefusedError(404, 'There is nothing here. The page is at /.')
            self._send(200, kind, content)
        except RefusedError as error:
            self._refuse(error)

    def do_POST(self) -> None:
        """Predict the image that is the body of the request, and send JSON."""
        length = self.headers.get('Content-Length', '')
        self.unread = int(length) if length.isdecimal() else 0
        try:
            self._require_own_page()
            if self.path != '/predict':
                raise RefusedError(404, 'Images go to /predict.')
            if not self.server.places.acquire(blocking=False):
                raise RefusedError(503, 'Other images are being predicted. Try again in a moment.')
            try:
                result = self.server.predict(self._body())
            finally:
                self.server.places.release()
            self._send(200, 'application/json', json.dumps(result).encode())
        except RefusedError as error:
            self._refuse(error)

    def _require_own_page(self) -> None:
        """Refuse requests that a page of somebody else makes a browser of this machine send."""
        host, origin = self.headers.get('Host', ''), self.headers.get('Origin')
        if self.server.is_local and host.rpartition(':')[0] not in LOCAL:
            raise RefusedError(403, f'This server answers to {self.server.url} only.')
        if origin is not None and origin.partition('://')[2] != host:
            raise RefusedError(403, 'Requests of other pages are not answered.')

    def _body(self) -> bytes:
        """Read the body, of which the length has to be known and allowed."""
        length, limit = self.headers.get('Content-Length', ''), self.server.limits.megabytes
        if not length.isdecimal():
            raise RefusedError(411, 'The request does not say how long it is.')
        if int(length) > 1e6 * limit:
            raise RefusedError(413, f'The file has {int(length) / 1e6:.1f} MB; at most {limit:g} MB are accepted here.')
        self.unread = 0
        content = self.rfile.read(int(length))
        if len(content) < int(length):
            raise RefusedError(400, 'The upload broke off. Try again.')
        return content

    def _refuse(self, error: RefusedError) -> None:
        """Say why; a body is read to its end first, as a browser shows no answer that comes before."""
        if self.unread <= 1e6 * self.server.limits.megabytes:
            self.rfile.read(self.unread)
        self._send(error.status, 'application/json', json.dumps(dict(error=error.message)).encode())

    def _send(self, status: int, kind: str, content: bytes) -> None:
        """Send an answer; a browser that has gone away is no error."""
        try:
            self.send_response(status)
            for name, value in HEADERS.items():
                self.send_header(name, value)
            self.send_header('Content-Type', f'{kind}; charset=utf-8')
            self.send_header('Content-Length', str(len(content)))
            self.end_headers()
            self.wfile.write(content)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Print no line per request: file names and addresses are nobody's business."""


def open_server(network: TrainedNetwork, title: str, host: str, port: int, limits: ServerLimits) -> PredictionServer:
    """Bind the server; ``serve_forever()`` starts it.

    Args:
        network: The network.
        title: Name of the run.
        host: Address to listen on; 127.0.0.1 is reached from this machine alone.
        port: 0 takes a free one.
        limits: What is accepted.

    Raises:
        UserError: The address is taken, or not one of this machine.
    """
    try:
        return PredictionServer((host, port), network, title, limits)
    except (OSError, OverflowError) as error:
        raise UserError(f'cannot listen on {host}, port {port} ({error}). --port 0 takes a free one.') from error
