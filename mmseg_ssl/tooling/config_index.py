"""Lists of the configs: ``metafile.yml`` of each method, ``model-index.yml``, and the tables of the READMEs."""

from itertools import groupby
from typing import Iterable, List, Set, Tuple

from .config_leaves import HEADER, Config
from .matrix import DATA, METHODS, NETWORKS, PUBLISHED, Method

HEAD = '| data | network | config | lists, with the mIoU that a paper gives in % | ours |\n|---|---|---|---|---|'


def metafile(method: Method, configs: List[Config]) -> str:
    """Write the index of a method for OpenMMLab's tools, without drawn datasets.

    Args:
        method: The method.
        configs: Its configs.
    """
    listed = [config for config in configs if DATA[config.recipe.data].training]
    data = list(dict.fromkeys(DATA[config.recipe.data].training for config in listed))
    title, address = method.paper
    paper = ['  Paper:', f'    Title: {_quoted(title)}', f'    URL: {address}'] if title else []
    lines = [f'# {HEADER}', 'Collections:', f'- Name: {method.title}', '  License: Apache License 2.0', '  Metadata:']
    lines += [f'    Training Data: [{", ".join(data)}]', *paper, f'  README: configs/{method.folder}/README.md']
    lines += ['  Frameworks: [PyTorch]', 'Models:']
    for config in sorted(listed, key=lambda config: config.name(config.variant.name)):
        name = config.name(config.variant.name)
        lines += [f'- Name: {name}', f'  In Collection: {method.title}', f'  Config: configs/{method.folder}/{name}.py']
        lines += ['  Metadata:', f'    Training Data: {DATA[config.recipe.data].training}']
        lines += [f'    Batch Size: {config.variant.batch or config.recipe.batch}']
    return '\n'.join(lines) + '\n'


def model_index() -> str:
    """Write ``model-index.yml`` in the project's folder, which lists all other index files."""
    folders = sorted(method.folder for method in METHODS)
    return '\n'.join([f'# {HEADER}', 'Import:', *(f'- configs/{folder}/metafile.yml' for folder in folders)]) + '\n'


def table(method: Method, configs: List[Config], runs: Set[Tuple[str, str, str]]) -> str:
    """Make the table of a method's configs, one row per dataset, network and variant.

    Args:
        method: The method.
        configs: Its configs.
        runs: Method, network with data, and variant of each recorded run.

    Returns:
        Markdown. Every list links to its config; configs without runs say "not run".
    """
    rows = [HEAD]
    for _, group in groupby(configs, key=lambda config: (config.recipe, config.network, config.variant)):
        rows.append(_row(method, list(group), runs))
    return '\n'.join(rows)


def _row(method: Method, configs: List[Config], runs: Set[Tuple[str, str, str]]) -> str:
    """Make a row of configs that differ by their lists."""
    first, variant = configs[0], configs[0].variant.name
    key = f'{first.condition.replace("_", " ")} {variant}'.strip()
    published = PUBLISHED.get(method.folder, {}).get(key, ('',) * len(configs))
    links = [
        f'[{config.list}]({config.name(variant)}.py){" " + score if score else ""}'
        for config, score in zip(configs, published)
    ]
    ours = f'[results]({method.results})' if (method.folder, first.condition, variant) in runs else 'not run'
    cells = (
        DATA[first.recipe.data].title,
        NETWORKS[first.network].title,
        f'`{first.name(variant, "<list>")}.py`',
        ', '.join(links),
        ours,
    )
    return f'| {" | ".join(cells)} |'


def methods_table(counts: Iterable[Tuple[Method, int]]) -> str:
    """Make the table of methods for ``configs/README.md``, with the number of configs of each."""
    rows = ['| method | class | configs | paper |', '|---|---|---|---|']
    for method, count in counts:
        title, address = method.paper
        paper = f'[{title}]({address})' if title else '-'
        rows.append(f'| [{method.title}]({method.folder}/README.md) | `{method.type}` | {count} | {paper} |')
    return '\n'.join(rows)


def _quoted(text: str) -> str:
    """Quote a text for YAML if necessary."""
    return f"'{text}'" if ': ' in text else text
