"""What a network predicts for an image: probabilities, and values by which its pixels are trusted."""

from typing import Any, Dict, List, NamedTuple, Optional

from torch import Tensor

from ..ops import class_logits, class_probabilities, trust_values


class TrustRule(NamedTuple):
    """Which pixels get a label, see :func:`~mmseg_ssl.ops.trusted_pixels`."""

    by: str
    threshold: Optional[float] = None
    share: Optional[float] = None


class PredictedImage(NamedTuple):
    """What a network says of an image, on the device, at its original size."""

    probs: Tensor  # (C, H, W)
    trust: Optional[Tensor]  # (H, W), what the rule of trust compares


def require_map(model: Any, rule: str) -> None:
    """Let a model predict what a rule of trust reads.

    Args:
        model: Of :func:`~mmseg_ssl.apis.load_model`; it is changed where it has a choice.
        rule: Name of the rule.

    Raises:
        ValueError: It cannot.
    """
    if rule == 'localizer':
        if not hasattr(model, 'predict_correctness'):
            raise ValueError(f'--trust localizer needs a method that trains one (ELN), the config has {_name(model)}.')
        model.predict_correctness = True
    if rule == 'variance':
        branch = model.branch(model.predictors[0]) if hasattr(model, 'predictors') else None
        if branch is None or 'variance' not in branch.side_heads:
            raise ValueError(f'--trust variance needs a side head of this name; the {_name(model)} has none.')


def _name(model: Any) -> str:
    return type(model).__name__


def read_maps(result: Any, trust: Optional[TrustRule]) -> PredictedImage:
    """Read the maps from a sample of the host.

    Args:
        result: With ``seg_logits``, and the maps of side heads.
        trust: The rule of trust; without, its values are not computed.
    """
    values, probs = result.seg_logits.data, class_probabilities(result.seg_logits.data)
    if not trust:
        return PredictedImage(probs, None)
    # one channel is a probability by now
    logits = values[None] if len(values) > 1 else class_logits(values[None].logit(1e-7))
    maps = (result.get(name).data if name in result else None for name in ('variance', 'correctness'))
    return PredictedImage(probs, trust_values(trust.by, logits, *maps)[0])


def predict_samples(model: Any, items: List[Dict[str, Any]], meta: Optional[dict] = None) -> List[Any]:
    """Predict images of one size.

    Args:
        model: Any model of the host's kind.
        items: Outputs of the test pipeline.
        meta: Added to the metainfo of each.

    Returns:
        The host's samples, with maps at the images' original sizes.
    """
    samples = [item['data_samples'].clone() for item in items]
    for sample in samples:
        sample.set_metainfo(meta or {})
    data = model.data_preprocessor(dict(inputs=[item['inputs'] for item in items], data_samples=samples), False)
    return model.predict(data['inputs'], data['data_samples'])
