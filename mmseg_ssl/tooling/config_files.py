"""The files that the matrix of configs decides, compared with those that are there."""

import difflib
from pathlib import Path
from typing import Dict, List, Set, Tuple

from ..errors import UserError
from .config_checks import check_matrix
from .config_index import metafile, methods_table, model_index, table
from .config_leaves import Config, configs_of, text_of
from .matrix import METHODS, Method
from .readme_blocks import with_blocks
from .reproduction.page import papers_page
from .run_records import read_records

RECORDS = 'configs/runs.jsonl'
PAPERS_PAGE = Path('docs/papers.md')
NO_CONFIGS = ('_base_', 'splits', 'benchmarks')
"""Folders of ``configs`` that are not a method's."""


def wanted_files(root: Path) -> Dict[Path, str]:
    """Make every file that the matrix decides.

    Args:
        root: Folder of the project, whose READMEs get their tables.

    Returns:
        Path below ``root`` -> text: configs, ``metafile.yml``, ``model-index.yml``, READMEs and the page of the papers.

    Raises:
        UserError: The folder is no project, the matrix names a base or a paper's row that is not there, two configs
            have one name, or a README has no place for its table.
    """
    if not (root / 'configs' / '_base_').is_dir():
        raise UserError(f'{root} has no folder configs/_base_: give the folder of the project as --root.')
    check_matrix(root)
    files: Dict[Path, str] = {Path('model-index.yml'): model_index()}
    runs, counts = recorded(root / RECORDS), []
    for method in METHODS:
        folder, configs = Path('configs', method.folder), list(configs_of(method))
        counts.append((method, len(configs)))
        for config in configs:
            path = folder / f'{config.name(config.variant.name)}.py'
            if path in files:
                raise UserError(f'the matrix has two configs of the name {path.name}: give one of them a variant.')
            files[path] = text_of(config)
        files[folder / 'metafile.yml'] = metafile(method, configs)
        files[folder / 'README.md'] = with_table(root / folder / 'README.md', method, configs, runs)
    readme = Path('configs/README.md')
    files[readme] = with_blocks(root / readme, dict(methods=lambda: methods_table(counts)))[0]
    if (root / PAPERS_PAGE).is_file():
        page = dict(papers=lambda: papers_page(read_records(root / RECORDS)))
        files[PAPERS_PAGE] = with_blocks(root / PAPERS_PAGE, page)[0]
    return files


def with_table(readme: Path, method: Method, configs: List[Config], runs: Set[Tuple[str, str, str]]) -> str:
    """Return a README's text with the table of its method's configs."""
    return with_blocks(readme, dict(configs=lambda: table(method, configs, runs)))[0]


def recorded(records: Path) -> Set[Tuple[str, str, str]]:
    """List method, network with data, and variant of the recorded runs."""
    return {(run.method, run.setting, run.variant) for run in read_records(records)}


def orphans(root: Path, files: Dict[Path, str]) -> List[Path]:
    """List configs that the matrix does not have."""
    there = [path.relative_to(root) for path in sorted(root.glob('configs/*/*.py'))]
    return [path for path in there if path not in files and path.parent.name not in NO_CONFIGS]


def differences(root: Path, files: Dict[Path, str]) -> List[str]:
    """Say what is not as the matrix has it: a unified diff of each file, and configs without a row.

    Args:
        root: Folder of the project.
        files: From :func:`wanted_files`.
    """
    lines: List[str] = []
    for path, text in files.items():
        old = (root / path).read_text(encoding='utf-8') if (root / path).is_file() else ''
        lines += difflib.unified_diff(old.splitlines(), text.splitlines(), str(path), f'{path} (matrix)', lineterm='')
    return lines + [f'{path}: no row of the matrix makes it' for path in orphans(root, files)]


def write_files(root: Path, files: Dict[Path, str]) -> Tuple[int, int]:
    """Write what changed, and remove configs without a row.

    Returns:
        Numbers of written and of removed files.
    """
    changed = {
        path: text
        for path, text in files.items()
        if not (root / path).is_file() or (root / path).read_text(encoding='utf-8') != text
    }
    for path, text in changed.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding='utf-8')
    left = orphans(root, files)
    for path in left:
        (root / path).unlink()
    return len(changed), len(left)
