"""Write the configs of all methods, and their lists, from one matrix: ``python tools/make_configs.py``.

The matrix is ``mmseg_ssl/tooling/matrix``: methods, networks, data with their lists, schedules and variants, with what
papers report. It decides every ``configs/<method>/*.py`` and ``metafile.yml``, ``model-index.yml``, and the tables
between ``<!-- configs:begin -->`` and ``<!-- configs:end -->`` in the methods' READMEs, and ``docs/papers.md``.

python tools/make_configs.py            # write what changed; a config without a row is removed
python tools/make_configs.py --check    # only say what is not as the matrix has it, and exit with 1
"""

import argparse
import sys
from pathlib import Path
from typing import List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from mmseg_ssl.tooling.cli import add_debug_option, readable_errors  # noqa: E402
from mmseg_ssl.tooling.config_files import differences, wanted_files, write_files  # noqa: E402


def main(argv: Optional[List[str]] = None) -> None:
    """Write or compare the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument('--check', action='store_true', help='write nothing; print differences and exit with 1 if any')
    parser.add_argument('--root', type=Path, default=ROOT, help='folder of the project (default: this one)')
    add_debug_option(parser)
    args = parser.parse_args(argv)
    files = wanted_files(args.root)
    if not args.check:
        written, removed = write_files(args.root, files)
        print(f'Wrote {written} of {len(files)} files, removed {removed}.')
        return
    lines = differences(args.root, files)
    print('\n'.join(lines) if lines else f'All {len(files)} files are as the matrix has them.')
    if lines:
        sys.exit(1)


if __name__ == '__main__':
    with readable_errors():
        main()
