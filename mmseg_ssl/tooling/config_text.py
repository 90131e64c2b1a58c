"""Settings as the text of a config file, formatted as the formatter does."""

from typing import Any, Iterator, List, Tuple

from .matrix import Code, Leaf

WIDTH = 120
MAX_INLINE = 3
"""Lines of a model beyond which its options and its preprocessing get lines of their own."""
ORDER = (
    'custom_imports',
    '',  # names that are not listed
    'method',
    'data_preprocessor',
    'model',
    'optim_wrapper',
    'train_dataloader',
    'train_cfg',
    'custom_hooks',
    'localization',
    'val_evaluator = test_evaluator',
    'load_from',
)


def leaf_text(header: str, note: str, bases: List[str], leaf: Leaf) -> str:
    """Write a config file.

    Args:
        header: First comment.
        note: Further comment lines.
        bases: Files to inherit from.
        leaf: Settings by name.

    Returns:
        Its text.
    """
    lines = [f'# {line}' for line in (header, *note.splitlines())]
    lines += statement('_base_', bases[0] if len(bases) == 1 else bases)
    if 'model' in leaf and len(bases) > 1 and len(statement('model', leaf['model'])) > MAX_INLINE:
        leaf = with_short_model(leaf)
    places = {name: place for place, name in enumerate(ORDER)}
    for name in sorted(leaf, key=lambda name: places.get(name, places[''])):
        lines += statement(name, leaf[name])
    return '\n'.join(lines) + '\n'


def with_short_model(leaf: Leaf) -> Leaf:
    """Give the options of the method, and what is made of an image, lines of their own.

    Options that are long still get one each; what comes from ``_base_`` stays in the model.
    """
    model = dict(leaf['model'])
    preprocessor = model.pop('data_preprocessor', {})
    parts = {key: model.pop(key) for key in list(model) if key and isinstance(model[key], Code)}
    short: Leaf = {**leaf, **_with_names('method', model), 'model': {'': Code('method'), **parts}}
    if preprocessor:
        short['model']['data_preprocessor'] = preprocessor
    if len(statement('model', short['model'])) > 1:
        short['model']['data_preprocessor'] = Code('data_preprocessor')
        short.update(_with_names('data_preprocessor', preprocessor))
    return short


def _with_names(name: str, value: Leaf) -> Leaf:
    """Name a dict; if it takes several lines, also each of the dicts that it holds."""
    if len(statement(name, value)) == 1:
        return {name: value}
    dicts = {key: item for key, item in value.items() if isinstance(item, dict)}
    return {**dicts, name: {**value, **{key: Code(key) for key in dicts}}}


def statement(name: str, value: Any) -> List[str]:
    """Write an assignment, on as many lines as it needs."""
    return list(_lines(f'{name} = ', value, '', 0))


def flat(value: Any) -> str:
    """Write a value on one line: ``dict(...)`` for a dict."""
    if isinstance(value, Code):
        return str(value)
    opening, items, closing = _inside(value)
    if not opening:
        return repr(value)
    single = isinstance(value, tuple) and len(value) == 1
    return f'{opening}{", ".join(before + flat(item) for before, item in items)}{"," if single else ""}{closing}'


def _inside(value: Any) -> Tuple[str, List[Tuple[str, Any]], str]:
    """Brackets of a container, and its items with what stands before each."""
    if isinstance(value, dict):
        first = sorted(value.items(), key=lambda item: item[0] != '')  # what it extends
        return 'dict(', [(f'{key}=' if key else '', item) for key, item in first], ')'
    if isinstance(value, list):
        return '[', [('', item) for item in value], ']'
    return ('(', [('', item) for item in value], ')') if isinstance(value, tuple) else ('', [], '')


def _lines(before: str, value: Any, after: str, indent: int) -> Iterator[str]:
    """Write a value behind ``before``: on one line, else what it holds on one, else one line per item."""
    line = ' ' * indent + before + flat(value) + after
    opening, items, closing = _inside(value)
    if len(line) <= WIDTH or not items or isinstance(value, Code):
        yield line
        return
    inner = ' ' * (indent + 4) + ', '.join(name + flat(item) for name, item in items)
    yield ' ' * indent + before + opening
    if isinstance(value, dict) and len(inner) <= WIDTH:
        yield inner
    else:
        for name, item in items:
            yield from _lines(name, item, ',', indent + 4)
    yield ' ' * indent + closing + after
