"""Small helpers that know nothing of segmentation."""
from .random import fold, seeded

__all__ = ['fold', 'seeded']
