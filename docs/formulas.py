"""Formulas as MathML, made when the pages are built: browsers draw it by themselves, without a script or a network."""

import html
import logging
import re

from latex2mathml.converter import convert

LOG = logging.getLogger('mkdocs.formulas')  # a warning there stops a strict build
SAYS = {r'\arg\max': r'\mathrm{arg\,max}', r'\arg\min': r'\mathrm{arg\,min}'}
"""Commands that the converter does not know, and what stands for them."""
FORMULA = re.compile(r'<(span|div) class="arithmatex">\\([(\[])(.*?)\\[)\]]</\1>', re.DOTALL)


def render_formulas(text: str) -> str:
    """Replace what ``pymdownx.arithmatex`` marked as a formula in a page's HTML."""

    def render(match: re.Match) -> str:
        tag, bracket, formula = match.groups()
        formula = html.unescape(formula).strip()
        for command, known in SAYS.items():
            formula = formula.replace(command, known)
        mathml = convert(formula, display='block' if bracket == '[' else 'inline')
        if '\\' in mathml or '$' in mathml:
            LOG.warning(f'a formula is not drawn as it should be: {formula}')
        return f'<{tag} class="formula">{mathml}</{tag}>'

    return FORMULA.sub(render, text)
