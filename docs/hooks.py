"""Makes a page of each method's README, so that nothing is written twice; MkDocs calls :func:`on_files`."""

import re
from pathlib import Path
from typing import Any

from mkdocs.structure.files import File

CONFIGS = Path(__file__).resolve().parents[1] / 'configs'
LINK = re.compile(r'\[([^\]\n]*)\]\((?!https?:)([^)\s]+)\)')


def page(readme: Path) -> str:
    """Rewrite a README's links: to another method's page, or, of what is no page, to the text with its path."""

    def rewrite(match: re.Match) -> str:
        text, target = match.groups()
        path = (readme.parent / target.split('#')[0]).resolve()
        if path.name == 'README.md' and (path.parent / 'metafile.yml').is_file():
            return f'[{text}]({path.parent.name}.md)'
        if path.parent == readme.parent:
            return f'`{path.name}`'
        return f'{text} (`{path.relative_to(CONFIGS.parent)}`)'

    return LINK.sub(rewrite, readme.read_text(encoding='utf-8'))


def on_files(files: Any, config: Any) -> Any:
    """Add the pages."""
    for readme in sorted(CONFIGS.glob('*/README.md')):
        if (readme.parent / 'metafile.yml').is_file():
            files.append(File.generated(config, f'methods/{readme.parent.name}.md', content=page(readme)))
    return files
