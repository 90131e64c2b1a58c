"""Pure helpers: tensors in, tensors out, no state."""

from .mixing import BoxMix, box_mask
from .precision import at_least_fp32
from .reduction import masked_mean
from .sampling import sample_per_class
from .weighting import normalized_entropy

__all__ = ['at_least_fp32', 'BoxMix', 'box_mask', 'masked_mean', 'normalized_entropy', 'sample_per_class']
