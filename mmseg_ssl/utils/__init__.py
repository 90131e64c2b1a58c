"""Small helpers that know nothing of segmentation."""

from .random import fold, seeded
from .sample_seeds import sample_uniforms

__all__ = ['fold', 'sample_uniforms', 'seeded']
