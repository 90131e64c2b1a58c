"""Which method takes which network: the table of docs/networks.md, from building each of them.

``make test-backbones`` has all libraries; its Python writes the table: ``python tests/contracts/network_table.py``.
"""

from __future__ import annotations

import logging
import sys
from pathlib import Path
from typing import Dict

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / 'tests'), str(ROOT / 'tests/contracts')]

import tiny  # noqa: E402
from mmengine.registry import init_default_scope  # noqa: E402
from test_methods import METHODS  # noqa: E402
from tiny_networks import NETWORKS  # noqa: E402

from mmseg_ssl.errors import NetworkError  # noqa: E402

PAGE = ROOT / 'docs/networks.md'
BEGIN, END = '<!-- networks:begin -->\n', '<!-- networks:end -->'


def row(network: str) -> str:
    """Line of a network: a method takes it, or its head lacks the embedding that the method reads."""
    taken = []
    for method in METHODS:
        try:
            tiny.build(method, NETWORKS[network]())
            taken.append('yes')
        except NetworkError as error:
            assert 'reads the embedding' in str(error)
            taken.append('–')
    return f'| {network} | {" | ".join(taken)} |\n'


def table() -> str:
    """Head and rows, a network a line."""
    rows: Dict[str, str] = {network: row(network) for network in NETWORKS}
    return f'| network | {" | ".join(METHODS)} |\n|---|{"---|" * len(METHODS)}\n' + ''.join(rows.values())


if __name__ == '__main__':
    logging.disable(logging.CRITICAL)
    init_default_scope('mmseg')
    before, after = PAGE.read_text().split(BEGIN)[0], PAGE.read_text().split(END)[1]
    PAGE.write_text(before + BEGIN + table() + END + after)
