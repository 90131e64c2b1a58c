"""Pure helpers: tensors in, tensors out, no state."""

from .affinity import grid_affinity
from .channel_dropout import drop_channels, drop_complementary_channels
from .mixing import BoxMix, box_mask
from .potts import potts
from .precision import at_least_fp32, fresh_casts
from .probabilities import class_logits, class_probabilities, likeliest, log_odds
from .reduction import masked_mean
from .sampling import chosen_per_class, sample_per_class, sample_windows
from .trust import trust_values, trusted_pixels
from .weighting import class_rarity, entropy_reliability, normalized_entropy

__all__ = [
    'BoxMix',
    'at_least_fp32',
    'box_mask',
    'chosen_per_class',
    'class_logits',
    'class_probabilities',
    'class_rarity',
    'drop_channels',
    'drop_complementary_channels',
    'entropy_reliability',
    'fresh_casts',
    'grid_affinity',
    'likeliest',
    'log_odds',
    'masked_mean',
    'normalized_entropy',
    'potts',
    'sample_per_class',
    'sample_windows',
    'trust_values',
    'trusted_pixels',
]
