"""Makes pages of what is written elsewhere, so that nothing is written twice; MkDocs calls the functions ``on_*``.

A page may ask for a part with a line ``{{ <what> <name> ... }}``:

- ``{{ idea fixmatch }}``: README of ``configs/fixmatch`` before its first heading; ``{{ rest fixmatch }}``: after it.
- ``{{ figure fixmatch }}``: the drawing of ``docs/figures/fixmatch.txt``.
- ``{{ equation FixMatch }}``, ``{{ options FixMatch }}``, ``{{ deviations FixMatch }}``: from the docstring of a class.
- ``{{ rooms }}``: the table of the API reference; ``{{ log_keys }}``: that of CONTRIBUTING.md.
"""

import re
from pathlib import Path
from typing import Any

import figures
import reference
from formulas import render_formulas
from mkdocs.structure.files import File
from options import deviations, equation, place, table
from rst import inline

DOCS = Path(__file__).resolve().parent
CONFIGS = DOCS.parent / 'configs'
LINK = re.compile(r'\[([^\]\n]*)\]\((?!https?:)([^)\s]+)\)')
PART = re.compile(r'^\{\{ (\w+)((?: [\w/-]+)*) \}\}$', re.MULTILINE)


def readme(name: str) -> str:
    """Read a method's README; links go to another method's page or, of what is no page, to its path as text."""
    path = CONFIGS / name / 'README.md'

    def rewrite(match: re.Match) -> str:
        text, target = match.groups()
        other = (path.parent / target.split('#')[0]).resolve()
        if other.name == 'README.md' and (DOCS / 'methods' / f'{other.parent.name}.md').is_file():
            return f'[{text}]({other.parent.name}.md)'
        if other.parent == path.parent:
            return f'`{text}`' if text == other.name else text
        return f'{text} (`{other.relative_to(DOCS.parent)}`)'

    return LINK.sub(rewrite, path.read_text(encoding='utf-8'))


def idea(name: str) -> str:
    """Return a README's text before its first heading of the second level, without the pointer to this page."""
    return re.sub(
        r'\n\nOptions, deviations from the paper .*?\n(?=\n|$)',
        '\n',
        readme(name).partition('\n## ')[0],
        flags=re.DOTALL,
    )


def rest(name: str) -> str:
    """Return a README's text from its first heading of the second level on; nothing, if there is no README."""
    return '## ' + readme(name).partition('\n## ')[2] if (CONFIGS / name / 'README.md').is_file() else ''


def figure(name: str) -> str:
    """Return a drawing with its caption."""
    drawing = figures.read(figures.FOLDER / f'{name}.txt')
    caption = f'<figcaption>{drawing.caption}</figcaption>'
    # in the page itself, so that there is no path to break
    return f'<figure class="drawing" markdown="0">{figures.draw(drawing)}{caption}</figure>'


def options(*names: str) -> str:
    """Return the options of classes, a table each."""
    everyone = ' (and the [options of every method](index.md#options-of-every-method))'
    methods = set(reference.public_names()['mmseg_ssl.models.segmentors']) - {'SemiSegmentor'}
    return '\n\n'.join(
        f'{reference.link(name)}, in `{place(name)}`{everyone if name in methods else ""}:\n\n'
        + table(name, reference.link)
        for name in names
    )


def log_keys() -> str:
    """Return the table of log keys of CONTRIBUTING.md."""
    return (DOCS.parent / 'CONTRIBUTING.md').read_text(encoding='utf-8').partition('\n## Log keys\n')[2].strip()


PARTS = dict(
    idea=idea,
    rest=rest,
    figure=figure,
    options=options,
    equation=lambda name: equation(name, reference.link),
    deviations=lambda name: deviations(name, reference.link),
    rooms=reference.index,
    log_keys=log_keys,
)


def on_page_markdown(markdown: str, **kwargs: Any) -> str:
    """Put the parts in their places, and links in the place of roles such as ``:func:``."""
    return inline(PART.sub(lambda match: PARTS[match[1]](*match[2].split()), markdown), reference.link)


def on_page_content(html: str, **kwargs: Any) -> str:
    """Render the formulas."""
    return render_formulas(html)


def on_files(files: Any, config: Any) -> Any:
    """Add the pages of the reference."""
    for name in reference.ROOMS:
        files.append(File.generated(config, f'reference/{name}.md', content=reference.page(name)))
    return files
