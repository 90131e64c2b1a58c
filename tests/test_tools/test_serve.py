"""The page of a network: what is answered, what is refused, and a real browser."""

import base64
import http.client
import io
import json
import re
import struct
import threading
import zlib

import cv2
import numpy as np
import pytest
import tiny_run
from browser import open_page, require_readable
from mmengine.registry import init_default_scope
from PIL import Image

from mmseg_ssl import load
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.html_pages import render
from mmseg_ssl.tooling.served import ServerLimits, open_server


@pytest.fixture(scope='module')
def network(tmp_path_factory):
    init_default_scope('mmseg')  # a module's fixture comes before the one that sets it
    folder = tmp_path_factory.mktemp('runs') / 'mine'
    tiny_run.write_run(folder, 'DUEB')
    return load(folder, device='cpu')


@pytest.fixture(scope='module')
def server(network):
    with open_server(network, 'a <b>run</b>', '127.0.0.1', 0, ServerLimits(megabytes=0.1, megapixels=0.02)) as opened:
        thread = threading.Thread(target=opened.serve_forever, daemon=True)
        thread.start()
        yield opened
        opened.shutdown()
        thread.join()


def ask(server, method, path, body=None, **headers):
    """Return status, headers and content; a header that is None is left out."""
    link = http.client.HTTPConnection(*server.server_address, timeout=60)
    link.putrequest(method, path, skip_host='Host' in headers)
    headers = {'Content-Length': None if body is None else str(len(body)), **headers}
    for name, value in headers.items():
        if value is not None:
            link.putheader(name.replace('_', '-'), value)
    link.endheaders(body)
    answer = link.getresponse()
    content = answer.read()
    link.close()
    return answer.status, answer.headers, content


def encoded(suffix='.png', image=None):
    return cv2.imencode(suffix, tiny_run.noise(1) if image is None else image)[1].tobytes()


def decoded(uri):
    content = np.frombuffer(base64.b64decode(uri.partition(',')[2]), np.uint8)
    return cv2.imdecode(content, cv2.IMREAD_UNCHANGED)


@pytest.mark.parametrize('suffix', ['.png', '.bmp', '.tiff'])
def test_an_image_is_predicted_as_by_the_api(server, network, suffix):
    """Mask, doubt and shares are those of ``load(run)(image)``, for every format without loss."""
    status, headers, content = ask(server, 'POST', '/predict', encoded(suffix))
    result, wanted = json.loads(content), network(tiny_run.noise(1))
    assert status == 200 and headers['Content-Type'].startswith('application/json')
    assert (result['height'], result['width']) == (40, 56)
    assert np.array_equal(decoded(result['mask']), wanted.mask)
    assert np.abs(decoded(result['maps'][0]['image']) / 255 - wanted.uncertainty).max() < 0.003
    assert {one['name'] for one in result['maps']} == {'uncertainty', *wanted.maps}
    assert sum(one['share'] for one in result['classes']) == pytest.approx(1)
    assert result['classes'][0]['index'] == np.bincount(wanted.mask.ravel()).argmax()


def test_photos_are_read_as_the_pipeline_reads_them(server, network, tmp_path):
    """A JPEG that is turned by its EXIF tag has its turned size."""
    file = io.BytesIO()
    tag = Image.Exif()
    tag[0x0112] = 6
    Image.fromarray(tiny_run.noise(1)).save(file, 'JPEG', exif=tag)
    (tmp_path / 'photo.jpg').write_bytes(file.getvalue())
    result = json.loads(ask(server, 'POST', '/predict', file.getvalue())[2])
    assert (result['height'], result['width']) == network.read(tmp_path / 'photo.jpg').shape[:2] == (56, 40)


def test_values_that_the_loader_cuts_off_are_said(server):
    """Of 11 bits in 16 the host's loader leaves 8 levels; the person at the page knows no path of the server."""
    said = json.loads(ask(server, 'POST', '/predict', encoded(image=tiny_run.noise(1).astype(np.uint16) * 8))[2])
    (warning,) = said['warnings']
    assert warning.startswith('The image has more than 8 bits per channel') and 'see values 0 to 7 of' in warning
    assert json.loads(ask(server, 'POST', '/predict', encoded())[2])['warnings'] == []
    assert 'result.warnings' in render('serve.js')


def png_of_size(width, height):
    """A PNG whose header claims a size."""
    head = b'IHDR' + struct.pack('>IIBBBBB', width, height, 8, 2, 0, 0, 0)
    chunk = struct.pack('>I', 13) + head + struct.pack('>I', zlib.crc32(head))
    return b'\x89PNG\r\n\x1a\n' + chunk + b'\0\0\0\0IEND\xaeB`\x82'


@pytest.mark.parametrize(
    ('content', 'status', 'said'),
    [
        (b'', 415, 'no image'),
        (b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>', 415, 'no image'),
        (b'%PDF-1.4 not an image', 415, 'no image'),
        (encoded()[:-200], 415, 'damaged'),
        (png_of_size(400, 100), 413, '400 x 100'),
        (png_of_size(60000, 60000), 413, 'megapixels'),  # a bomb: 10 GB of pixels in 57 bytes
    ],
    ids=['nothing', 'svg', 'pdf', 'truncated', 'large', 'bomb'],
)
def test_what_is_no_image_is_refused(server, content, status, said):
    """In words, as JSON, and the server goes on."""
    found, _, answer = ask(server, 'POST', '/predict', content)
    assert found == status and said in json.loads(answer)['error']
    assert ask(server, 'POST', '/predict', encoded())[0] == 200


def test_sizes_are_limited_before_anything_is_read(server):
    """By what the header says; a body without a length is not read at all."""
    assert ask(server, 'POST', '/predict', None, **{'Content-Length': '100001'})[0] == 413
    assert ask(server, 'POST', '/predict', None, **{'Content-Length': '-5'})[0] == 411
    assert ask(server, 'POST', '/predict', None, **{'Transfer-Encoding': 'chunked'})[0] == 411


@pytest.mark.parametrize(
    'path',
    ['/../setup.py', '/%2e%2e/setup.py', '/serve.js/../serve.html', '//etc/passwd', '/base.css', '/?x', '/predict'],
)
def test_no_path_leads_to_a_file(server, path):
    status, _, content = ask(server, 'GET', path)
    assert status == 404 and json.loads(content)['error']


def test_other_pages_and_names_are_refused(server):
    """A page elsewhere cannot use the server through the browser, not even under a name that leads to this machine."""
    port = server.server_address[1]
    for headers in (dict(Origin='http://evil.example'), dict(Origin='null'), dict(Host=f'evil.example:{port}')):
        assert ask(server, 'POST', '/predict', encoded(), **headers)[0] == 403
    assert ask(server, 'GET', '/', Host=f'evil.example:{port}')[0] == 403
    assert (
        ask(server, 'POST', '/predict', encoded(), Host=f'localhost:{port}', Origin=f'http://localhost:{port}')[0]
        == 200
    )


def test_the_page_is_closed(server):
    """Scripts come from the server alone, the user's text is escaped, and nothing else is reachable from here."""
    _, headers, page = ask(server, 'GET', '/')
    policy = headers['Content-Security-Policy']
    assert "default-src 'none'" in policy and "script-src 'self'" in policy and 'unsafe' not in policy
    assert headers['X-Content-Type-Options'] == 'nosniff' and 'Python' not in headers['Server']
    assert b'a &lt;b&gt;run&lt;/b&gt;' in page and b'style=' not in page
    assert server.is_local and server.server_address[0] == '127.0.0.1'


def test_a_failing_network_is_said(server, monkeypatch, capsys):
    """The person at the page gets the reason, the terminal the traceback, the next image its mask."""

    def fail(pixels):
        raise RuntimeError('out of memory\nsecond line')

    with monkeypatch.context() as patch:
        patch.setattr(
            server,
            'network',
            type(
                'N', (), dict(reading=server.network.reading, read=server.network.read, __call__=staticmethod(fail))
            )(),
        )
        status, _, content = ask(server, 'POST', '/predict', encoded())
    assert status == 500 and json.loads(content)['error'].endswith('this image: out of memory')
    assert 'Traceback' in capsys.readouterr().err and ask(server, 'POST', '/predict', encoded())[0] == 200


def test_too_many_images_at_once_are_refused(server, monkeypatch):
    monkeypatch.setattr(server, 'places', threading.BoundedSemaphore(1))
    server.places.acquire()
    status, _, content = ask(server, 'POST', '/predict', encoded())
    assert status == 503 and 'Try again' in json.loads(content)['error']


def test_a_taken_port_is_said(server, network):
    with pytest.raises(UserError, match='--port 0 takes a free one'):
        open_server(network, 'x', *server.server_address, ServerLimits())


def test_the_command_listens_here_alone(tool):
    args = tool.parse_args(['run'])
    assert args.host == '127.0.0.1' and args.megabytes == ServerLimits().megabytes
    assert render('serve.js').count('fetch(') == 1


@pytest.mark.slow
@pytest.mark.parametrize('width', [1280, 390])
def test_the_page_in_a_browser(server, network, tmp_path, width):
    """An image is chosen, its mask and doubt are shown and read; another is dropped; a large file is refused."""
    (tmp_path / 'photo.png').write_bytes(encoded())
    wanted = network(tiny_run.noise(1))
    with open_page(server.url, width) as page:
        require_readable(page)
        page.set_input_files('#file', tmp_path / 'photo.png')
        page.wait_for_selector('#result:not([hidden])')
        require_readable(page)
        assert page.locator('#legend tr').count() == len(np.unique(wanted.mask))
        names = page.locator('#layers button').all_inner_texts()
        assert names[:3] == ['image', 'classes', 'uncertainty'] and 'variance' in names

        page.locator('#opacity').fill('100')
        row, column = 30, 20
        color = page.evaluate(
            "([x, y]) => [...document.querySelector('#canvas').getContext('2d').getImageData(x, y, 1, 1).data]",
            [column, row],
        )
        assert color[:3] == wanted.palette[wanted.mask[row, column]].tolist()
        box = page.locator('#canvas').bounding_box()
        scale = min(box['width'] / 56, box['height'] / 40)
        left = box['x'] + (box['width'] - 56 * scale) / 2 + (column + 0.5) * scale
        top = box['y'] + (box['height'] - 40 * scale) / 2 + (row + 0.5) * scale
        page.mouse.move(left, top)
        said = page.locator('#pixel').inner_text()
        assert said.startswith(f'x {column}, y {row}: {wanted.classes[wanted.mask[row, column]]}, uncertainty')
        shown = float(re.search(r'uncertainty ([\d.]+)', said)[1])
        assert shown == pytest.approx(wanted.uncertainty[row, column], abs=0.01)  # a map of 8 bits, two digits

        page.get_by_role('button', name='uncertainty').click()
        assert page.locator('#scale').is_visible()
        with page.expect_download() as download:
            page.locator('#download').click()
        assert download.value.suggested_filename == 'photo_mask.png'

        content = list(encoded(image=tiny_run.noise(2)))
        page.evaluate(
            """content => {
                const data = new DataTransfer();
                data.items.add(new File([new Uint8Array(content)], 'dropped.png', { type: 'image/png' }));
                window.dispatchEvent(new DragEvent('drop', { dataTransfer: data, cancelable: true }));
            }""",
            content,
        )
        page.locator('#name', has_text='dropped.png').wait_for()
        page.set_input_files('#file', dict(name='large.png', mimeType='image/png', buffer=bytes(200_000)))
        assert 'at most 0.1 MB' in page.locator('#status.error').inner_text()
        require_readable(page)
