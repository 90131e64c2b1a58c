"""Small errors at every place of a function where one is possible: a factor dropped, a sign, an order, a mask."""

import ast
from typing import Any, Iterator, List, Tuple

from mutant import Mutant

CHAINED = {'clamp', 'detach', 'float', 'log_softmax', 'mean', 'reweight', 'softmax', 'sum', 'where'}
"""Methods whose call is left out."""
TWINS = {
    'weak': 'strong',
    'strong': 'weak',
    'strong1': 'strong2',
    'strong2': 'strong1',
    'student': 'peer',
    'peer': 'student',
    'conservative': 'progressive',
    'progressive': 'conservative',
    'labeled': 'unlabeled',
    'unlabeled': 'labeled',
}
"""Names that are taken for each other."""
OPPOSITE = {ast.Gt: ast.LtE, ast.GtE: ast.Lt, ast.Lt: ast.GtE, ast.LtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq}


def mutants(source: str, skip: Tuple[str, ...] = ()) -> Iterator[Mutant]:
    """All small errors in a file, but in functions of some names, in checks of options and in texts."""
    tree = ast.parse(source)
    for function in [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name not in skip]:
        places = [(parent, field, i) for parent in _walk(function) for field, i, _ in _children(parent)]
        for parent, field, i in places:
            node = _get(parent, field, i)
            for what, changed in _changes(node):
                line, old = getattr(node, 'lineno', function.lineno), ast.unparse(node).split('\n')[0]
                _set(parent, field, i, changed)
                new = ast.unparse(ast.fix_missing_locations(changed)).split('\n')[0]
                yield Mutant(line, f'{what}: {old} -> {new}', ast.unparse(tree))
                _set(parent, field, i, node)


def _walk(node: ast.AST) -> Iterator[ast.AST]:
    """A function's nodes; not its annotations, decorators and docstring, nor what only raises."""
    yield node
    for _, _, child in _children(node):
        yield from _walk(child)


def _children(node: ast.AST) -> List[Tuple[str, Any, ast.AST]]:
    result = []
    for field, value in ast.iter_fields(node):
        if field in ('annotation', 'returns', 'decorator_list', 'ctx', 'op', 'ops', 'func_name'):
            continue
        items = list(enumerate(value)) if isinstance(value, list) else [(None, value)]
        for i, child in items:
            text = isinstance(child, ast.Expr) and isinstance(child.value, ast.Constant)
            raises = isinstance(child, ast.Raise) or (
                isinstance(child, ast.If) and isinstance(child.body[0], ast.Raise)
            )
            if isinstance(child, ast.AST) and not text and not raises and not isinstance(child, ast.JoinedStr):
                result.append((field, i, child))
    return result


def _get(parent: ast.AST, field: str, i: Any) -> ast.AST:
    value = getattr(parent, field)
    return value if i is None else value[i]


def _set(parent: ast.AST, field: str, i: Any, node: ast.AST) -> None:
    if i is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[i] = node


def _changes(node: ast.AST) -> Iterator[Tuple[str, ast.AST]]:
    """Yield what a node could be by mistake."""
    if isinstance(node, ast.BinOp):
        yield from _binary(node)
    elif isinstance(node, ast.Compare) and type(node.ops[0]) in OPPOSITE:
        yield 'opposite', ast.Compare(node.left, [OPPOSITE[type(node.ops[0])]()], node.comparators)
    elif isinstance(node, ast.UnaryOp) and not isinstance(node.operand, ast.Constant):
        yield 'dropped', node.operand
    elif isinstance(node, ast.Constant):
        yield from _constants(node)
    elif isinstance(node, ast.IfExp):
        yield 'exchanged', ast.IfExp(node.test, node.orelse, node.body)
    elif isinstance(node, ast.If):
        yield 'opposite', ast.If(ast.UnaryOp(ast.Not(), node.test), node.body, node.orelse)
    elif isinstance(node, ast.Attribute) and node.attr in TWINS:
        yield 'twin', ast.Attribute(node.value, TWINS[node.attr], node.ctx)
    elif isinstance(node, ast.Call):
        yield from _calls(node)
    elif isinstance(node, ast.Tuple) and len(node.elts) == 2 and isinstance(node.ctx, ast.Store):
        yield 'exchanged', ast.Tuple(node.elts[::-1], node.ctx)
    elif isinstance(node, ast.Expr) or (isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Subscript)):
        yield 'deleted', ast.Pass()


def _binary(node: ast.BinOp) -> Iterator[Tuple[str, ast.AST]]:
    if isinstance(node.op, (ast.Mult, ast.Div, ast.BitAnd)):
        yield 'dropped', node.left
    if isinstance(node.op, (ast.Mult, ast.BitAnd)):
        yield 'dropped', node.right
    if isinstance(node.op, ast.Add):
        yield 'sign', ast.BinOp(node.left, ast.Sub(), node.right)
    if isinstance(node.op, ast.Sub):
        yield 'exchanged', ast.BinOp(node.right, node.op, node.left)
    if isinstance(node.op, ast.BitAnd):
        yield 'or', ast.BinOp(node.left, ast.BitOr(), node.right)


def _constants(node: ast.Constant) -> Iterator[Tuple[str, ast.AST]]:
    value = node.value
    if isinstance(value, bool):
        yield 'opposite', ast.Constant(not value)
    elif isinstance(value, (int, float)):
        yield 'number', ast.Constant(value + 1 if isinstance(value, int) or not value else value * 0.9)
    elif isinstance(value, str) and value in TWINS:
        yield 'twin', ast.Constant(TWINS[value])


def _calls(node: ast.Call) -> Iterator[Tuple[str, ast.AST]]:
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, 'id', '')
    if isinstance(node.func, ast.Attribute) and name in CHAINED:
        yield 'left out', node.func.value
    if name in ('mix', 'weighted') and not isinstance(node.args[0], ast.Starred):
        yield 'left out', node.args[0]
    if len(node.args) > 1 and not any(isinstance(arg, ast.Starred) for arg in node.args[:2]) and name != 'zip':
        yield 'exchanged', ast.Call(node.func, [node.args[1], node.args[0], *node.args[2:]], node.keywords)
