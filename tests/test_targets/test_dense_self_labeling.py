"""Soft labels over all pairs of pixels."""

import pytest
import torch

from mmseg_ssl.ops.dense_neighborhood import bilateral_affinity, dense_potts
from mmseg_ssl.targets import dense_self_label


def scene(size=(6, 8), classes=3):
    """Two colors in turn, column by column, with one seed of each: no neighbor is of a pixel's own color."""
    images = torch.zeros(1, 3, *size, dtype=torch.float64)
    images[..., 1::2] = 200
    seeds = torch.full((1, *size), 255)
    seeds[0, 2, 2], seeds[0, 3, 5] = 0, 2
    generator = torch.Generator().manual_seed(1)
    logits = 0.3 * torch.randn(1, classes, *size, generator=generator, dtype=torch.float64)
    return logits, images, seeds, torch.ones_like(seeds, dtype=torch.bool)


@pytest.mark.parametrize('relaxation', ['quadratic', 'bilinear'])
@pytest.mark.parametrize('cross_entropy', ['collision', 'standard', 'reverse'])
def test_far_pixels_of_one_color_agree(relaxation, cross_entropy):
    """No grid can do this: the stripes of a color take the class of its one seed."""
    logits, images, seeds, valid = scene()
    options = dict(valid=valid, relaxation=relaxation, cross_entropy=cross_entropy, potts_weight=25.0, steps=400)
    label = dense_self_label(logits, images, seeds, eta=0.01, **options)
    torch.testing.assert_close(label.sum(dim=1), torch.ones_like(label[:, 0]))
    assert (label[..., ::2].argmax(dim=1) == 0).all() and (label[..., 1::2].argmax(dim=1) == 2).all()
    assert label[0, :, 2, 2].tolist() == [1, 0, 0] and label[0, :, 3, 5].tolist() == [0, 0, 1]


def test_the_optimum_of_the_quadratic_problem(monkeypatch):
    """eta / 2 |y - sigma|^2 and 1/2 w |y_i - y_j|^2 have the gradient eta (y - sigma) + lambda (D - W) y; where labels
    stay inside the simplex, the minimum is the solution of that linear system with the seeds' rows given.
    """
    monkeypatch.setattr('mmseg_ssl.targets.dense_self_labeling.STEP_SIZE', 1.0)  # or it takes 40000 steps
    logits, images, seeds, valid = scene()
    label = dense_self_label(
        logits,
        images,
        seeds,
        valid=valid,
        eta=1.0,
        potts_weight=0.5,
        cross_entropy='quadratic',
        steps=3000,
    )
    affinity = bilateral_affinity(images, valid, (6, 8), 15.0, 100.0)[0]
    affinity *= 4 * 48 / affinity.sum()
    sigma = logits.softmax(dim=1)[0].flatten(1).T
    system = torch.eye(48, dtype=torch.float64) + 0.5 * (affinity.sum(dim=1).diag() - affinity)
    known = (seeds != 255).flatten()
    system[known], right = torch.eye(48, dtype=torch.float64)[known], sigma.clone()
    right[known] = torch.eye(3, dtype=torch.float64)[seeds.flatten()[known]]
    torch.testing.assert_close(label[0].flatten(1).T, torch.linalg.solve(system, right), rtol=0, atol=1e-6)


def test_two_cells_of_which_one_is_half_padding(monkeypatch):
    """Of equal color, shares 1 and 1/2: affinities sum to 1 + 1/4 + 2 * 1/2 = 9/4, scaled to 4 * 3/2 the pair's is 4/3,
    and 1 with the weight 3/4. With eta = 3/2 the half cell's unary is 3/4: 3/2 (y - 0.8) + (y - z) = 0 and
    3/4 (z - 0.2) + (z - y) = 0, so y = 2/3 and z = 7/15. Of the third pixel y is a quarter.
    """
    monkeypatch.setattr('mmseg_ssl.targets.dense_self_labeling.STEP_SIZE', 1.0)
    probs = torch.tensor([0.8, 0.8, 0.2, 0.9], dtype=torch.float64).view(1, 1, 1, 4)
    valid = torch.tensor([[[True, True, True, False]]])
    label = dense_self_label(
        torch.cat([probs, 1 - probs], dim=1).log(),
        torch.zeros(1, 3, 1, 4, dtype=torch.float64),
        torch.full((1, 1, 4), 255),
        valid=valid,
        eta=1.5,
        potts_weight=0.75,
        spatial_bandwidth=1e6,
        resolution=2,
        cross_entropy='quadratic',
    )
    assert label[0, 0, 0].tolist() == pytest.approx([2 / 3, 37 / 60, 31 / 60, 1 / 2], abs=1e-6)


def test_only_seeded_classes():
    """Class 1 has no seed: it is ruled out, unless the image that this is a crop of has one."""
    logits, images, seeds, valid = scene()
    logits[:, 1] += 5
    known = torch.zeros(1, 256, dtype=torch.bool)
    options = dict(valid=valid, only_seeded_classes=True, potts_weight=0.1)
    assert dense_self_label(logits, images, seeds, **options)[:, 1].max() < 1e-30
    known[0, 1] = True
    assert dense_self_label(logits, images, seeds, image_classes=known, **options)[:, 1].max() > 0.9


def test_smoothing_takes_the_place_of_the_prediction():
    logits, images, seeds, valid = scene()
    said = (0.7 * logits.softmax(dim=1) + 0.1).log()
    label = dense_self_label(logits, images, seeds, valid=valid, smoothing=0.3)
    torch.testing.assert_close(label, dense_self_label(said, images, seeds, valid=valid))


def test_more_steps_lower_the_energy_that_dense_potts_reports():
    logits, images, seeds, valid = scene()
    energies = []
    for steps in (1, 20, 200):
        label = dense_self_label(logits, images, seeds, valid=valid, eta=0.0, potts_weight=6.0, steps=steps)
        energies.append(dense_potts(label, images, valid, 'quadratic').total.item())
    assert energies[0] > energies[1] > energies[2]


def test_reduced_labels_are_enlarged_and_padding_is_inert():
    logits, images, seeds, valid = scene((12, 16))
    images[..., :8], images[..., 8:] = 10, 200
    seeds[:], seeds[0, 3, 2], seeds[0, 9, 13] = 255, 1, 2
    options = dict(resolution=8, potts_weight=25.0, eta=0.01)
    label = dense_self_label(logits, images, seeds, valid=valid, **options)
    assert (label[..., :7].argmax(dim=1) == 1).all() and (label[..., 9:].argmax(dim=1) == 2).all()
    valid[:, :, 12:] = False
    expected = dense_self_label(logits, images, seeds, valid=valid, **options)
    logits[..., 12:], images[..., 12:] = float('nan'), 77.0
    label = dense_self_label(logits, images, seeds, valid=valid, **options)
    torch.testing.assert_close(label, expected, rtol=0, atol=0)
    assert (label[..., 12:] == 1 / 3).all()


@pytest.mark.parametrize('axis', [2, 3])
def test_labels_are_those_without_the_padding(axis):
    """The same cells, with the padding and cut off: what it has no label of must not blend in at the edge."""
    shape = (12, 40) if axis == 3 else (40, 12)
    logits, images, seeds, valid = scene(shape)
    images.copy_(torch.rand(images.shape, generator=torch.Generator().manual_seed(2)) * 200)
    padding = slice(20, None)
    valid.movedim(axis - 1, 0)[padding] = False
    cut = [tensor.narrow(tensor.dim() - 4 + axis, 0, 20) for tensor in (logits, images, seeds, valid)]
    label = dense_self_label(logits, images, seeds, valid=valid, resolution=8).narrow(axis, 0, 20)
    expected = dense_self_label(*cut[:3], valid=cut[3], resolution=4)
    torch.testing.assert_close(label, expected)


def test_a_class_that_is_ruled_out_does_not_come_back_along_void():
    """Class 1 has no seed; void is a frame, a hole and a single pixel, some cells of it without a valid pixel."""
    logits, images, seeds, valid = scene((48, 64))
    valid[:, :9], valid[..., 50:], valid[:, 20:33, 10:31], valid[:, 40, 40] = False, False, False, False
    seeds[0, 12, 4], seeds[0, 36, 40] = 0, 2
    label = dense_self_label(logits, images, seeds, valid=valid, only_seeded_classes=True, resolution=15)
    inside = label.movedim(1, -1)[valid]
    assert inside[:, 1].max() < 1e-30
    torch.testing.assert_close(inside.sum(dim=1), torch.ones_like(inside[:, 0]))


@pytest.mark.parametrize(
    'options', [dict(relaxation='collision_divergence'), dict(cross_entropy='ce'), dict(eta=-1.0), dict(steps=0)]
)
def test_impossible_options_are_refused(options):
    logits, images, seeds, valid = scene()
    with pytest.raises(
        ValueError, match='With all pairs, relaxation must be one of|cross_entropy must be one of|at least 0'
    ):
        dense_self_label(logits, images, seeds, valid=valid, **options)


@pytest.mark.parametrize(
    ('options', 'said'),
    [
        (
            dict(bandwidth='adaptive'),
            "needs a bandwidth in gray levels, such as 15, got 'adaptive'",
        ),
        (dict(bandwidth=None), 'needs a bandwidth in gray levels'),
        # ended above the energy of the prediction; 0.075 (400 * 4 / 2 + 0.3) is 60, 30 times what is stable
        (dict(potts_weight=400.0), r'stable up to 0\.0025\. Divide both by 30, and take more steps'),
        (dict(valid=torch.ones(1, 3, 8, dtype=torch.bool)), r"got {'valid': \(1, 3, 8\)}\. Resize the logits"),
    ],
)
def test_what_has_no_meaning_is_refused(options, said):
    logits, images, seeds, valid = scene()
    with pytest.raises(ValueError, match=said):
        dense_self_label(logits, images, seeds, **dict(dict(valid=valid), **options))
