"""What a method shows to pictures and logs is what it learns, at the place where it learns it."""

import pytest
import tiny
import torch
from test_methods import METHODS

from mmseg_ssl.models.sample_pixels import valid_pixels
from mmseg_ssl.structures import IGNORE_INDEX

TAUGHT_BY_THE_OTHER = {'CPS', 'LocatedCPS'}
FORMS = [(name, {}) for name in METHODS] + [('CPS', dict(cutmix={}))]


@pytest.fixture(autouse=True)
def needs_graph_cuts(request):
    if 'HardSelfLabeling' in request.node.name:
        pytest.importorskip('maxflow')


def padded_batch():
    """Unlabeled images of four widths, so that the mask of what is image tells them apart."""
    data = tiny.batch()
    data['inputs']['weak'] = [image[..., : 32 - 4 * number] for number, image in enumerate(data['inputs']['weak'])]
    return data


def look(model, data):
    """Return the views and samples of a step, what it shows, and the calls of its networks: name, images, logits."""
    shown, calls = [], []
    model.onlookers.append(lambda network, parts: shown.append((network, parts)))
    for name in model.networks:
        getattr(model, name).register_forward_hook(
            lambda _, inputs, output, name=name: calls.append((name, inputs[0], output.logits))
        )
    tiny.loss_of(model, data)
    (_, batch), *shown = shown
    return batch['inputs'], batch['samples'], shown, calls


def parts_of(calls, images):
    """Find images in the calls; their logits, with the name of the network."""
    for name, batch, logits in calls:
        for start in range(len(batch) - len(images) + 1):
            part = slice(start, start + len(images))
            if batch.shape[1:] == images.shape[1:] and torch.equal(batch[part], images):
                yield name, logits[part]


@pytest.mark.parametrize(('method', 'options'), FORMS)
def test_what_is_shown_is_what_is_learned(method, options):
    """A network was called with the image and gave the prediction. The image is a view whose pixels were moved by
    ``mix``, and so were label and valid pixels: where all who label agree, the label is theirs.
    """
    views, samples, shown, calls = look(tiny.build(method, **options), padded_batch())
    for network, parts in shown:
        if 'pred' not in parts:
            continue
        answers = [logits for name, logits in parts_of(calls, parts['image']) if name == network]
        assert any(torch.equal(parts['pred'].logits, logits) and logits.requires_grad for logits in answers)
        if 'scribbles' in parts:
            assert torch.equal(parts['image'], views['sup'])
            continue
        mix = parts.get('mix', lambda values: values)
        unlabeled = [view for name, view in views.items() if name != 'sup']
        moved = [torch.stack([mix(view[:, color]) for color in range(3)], dim=1) for view in unlabeled]
        assert any(torch.equal(parts['image'], view) for view in moved)
        valid = valid_pixels(samples['weak'], views['weak'])
        assert torch.equal(parts['valid'], mix(valid)) and not parts['valid'].all()
        said = [(name, logits) for name, logits in parts_of(calls, views['weak']) if not logits.requires_grad]
        if method in TAUGHT_BY_THE_OTHER:
            said = [(name, logits) for name, logits in parts_of(calls, views['weak']) if name != network]
        if method != 'PseudoLabel':  # whose labels are those of files
            assert said and {name for name, _ in said} <= {name for name, other in shown if 'says' in other}
        label = parts['target'].label
        label = label.argmax(dim=1) if label.dim() == 4 else label
        taught = (parts['target'].weight > 0) & (label != IGNORE_INDEX) & parts['valid']
        votes = [mix(logits.argmax(dim=1)) for _, logits in said]
        for vote in votes:
            taught = taught & (vote == votes[0])
        assert taught.any() and all(torch.equal(label[taught], vote[taught]) for vote in votes)
