"""Tables and figures of the papers: rows, the configs that run them, and the papers' numbers.

Numbers of rows with a config stand in ``published.py`` alone, all others here. ``tools/reproduce.py`` lists, runs and
draws; ``docs/papers.md`` is written from the same data.
"""

from .dueb import DUEB
from .eln import ELN
from .farcluss import FARCLUSS
from .soft_self_labeling import SOFT_SELF_LABELING
from .tables import Paper, PaperTable, Row

PAPERS = {paper.method: paper for paper in (DUEB, FARCLUSS, ELN, SOFT_SELF_LABELING)}

__all__ = ['PAPERS', 'Paper', 'PaperTable', 'Row']
