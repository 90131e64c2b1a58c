"""Pure helpers: tensors in, tensors out, no state."""

from .mixing import BoxMix, box_mask
from .reduction import masked_mean
from .sampling import sample_per_class
from .weighting import normalized_entropy

__all__ = ['BoxMix', 'box_mask', 'masked_mean', 'normalized_entropy', 'sample_per_class']
