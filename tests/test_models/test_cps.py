"""CPS: two networks teach each other their argmax."""

import pytest
import tiny
import torch
import torch.nn.functional as F
from mmengine.registry import init_default_scope

from mmseg_ssl.models.label_modes import labeling_mode
from mmseg_ssl.models.sample_pixels import valid_pixels
from mmseg_ssl.ops import masked_mean


@pytest.fixture(autouse=True)
def scope():
    init_default_scope('mmseg')


def segmentor():
    """Without dropout, so that a call may be repeated."""
    return tiny.tiny_segmentor(decode_head=tiny.fcn_head(dropout_ratio=0.0))


def build(**options):
    return tiny.build('CPS', segmentor(), **options)


def narrow(data, width=20):
    """Unlabeled crops with padding on the right."""
    data['inputs']['weak'] = [image[:, :, :width] for image in data['inputs']['weak']]
    return data


def test_without_cutmix_it_is_the_paper():
    """L_cps^l + L_cps^u with the host's own cross entropy, on labeled and unlabeled images; padding is ignored."""
    model = build(unsup_weight=1.5)
    data = model.data_preprocessor(narrow(tiny.batch()), True)
    losses = model(**data, mode='loss')
    merged = torch.cat([data['inputs']['sup'], data['inputs']['weak']])
    student, peer = model.student(merged).logits, model.peer(merged).logits
    label = peer.argmax(dim=1)
    label[2:, :, 20:] = 255
    labeled, unlabeled = (
        F.cross_entropy(student[:2], label[:2]),
        F.cross_entropy(student[2:], label[2:], ignore_index=255),
    )
    torch.testing.assert_close(losses['student.unsup.loss_pseudo_labeled'], 1.5 * labeled)
    torch.testing.assert_close(losses['student.unsup.loss_pseudo'], 1.5 * unlabeled)
    assert 'student.sup.loss_ce' in losses and 'peer.sup.loss_ce' in losses


def test_with_cutmix_labels_are_mixed_as_the_images_are():
    """Slowly, image by image: label u0 and u1, paste labels and images by the same mask, cross entropy."""
    model = build(cutmix=dict(), unsup_weight=1.0, teacher_mode='eval')
    data = model.data_preprocessor(narrow(tiny.batch()), True)
    weak, samples = data['inputs']['weak'], data['data_samples']['weak']
    with labeling_mode(model.peer):  # before the step moves BatchNorm's statistics
        label = model.peer(weak).logits.argmax(dim=1)
    losses = model(**data, mode='loss')
    mask = model.cutmix.sample(samples[:2], weak[:2]).mask
    label[~valid_pixels(samples, weak)] = 255
    images, mixed = weak[:2].clone(), label[:2].clone()
    for i in range(2):
        images[i][:, mask[i]] = weak[2 + i][:, mask[i]]
        mixed[i][mask[i]] = label[2 + i][mask[i]]
    logits = model.student(torch.cat([data['inputs']['sup'], images])).logits[2:]
    torch.testing.assert_close(losses['student.unsup.loss_pseudo'], F.cross_entropy(logits, mixed, ignore_index=255))
    assert 'student.unsup.loss_pseudo_labeled' not in losses  # unlabeled images alone, as the authors' code


@pytest.mark.parametrize(('cutmix', 'calls'), [(None, [True]), ({}, [False, True])])
def test_network_calls(cutmix, calls):
    """One per network; with CutMix one more, without a gradient, for the labels of u0 and u1 together."""
    model, seen = build(cutmix=cutmix), {}
    for name in model.networks:
        getattr(model, name).register_forward_hook(
            lambda _, args, out, name=name: seen.setdefault(name, []).append((torch.is_grad_enabled(), len(args[0])))
        )
    tiny.loss_of(model, tiny.batch())
    for name in model.networks:
        assert [graph for graph, _ in seen[name]] == calls
        assert {count for _, count in seen[name]} == ({6} if cutmix is None else {4})


@pytest.mark.parametrize('cutmix', [None, {}])
def test_labels_carry_no_gradient(cutmix):
    """The student's losses train the student alone."""
    model = build(cutmix=cutmix)
    losses = tiny.loss_of(model, tiny.batch())
    losses['student.unsup.loss_pseudo'].backward()
    assert all(parameter.grad is None for parameter in model.peer.parameters())
    assert any(parameter.grad.abs().sum() > 0 for parameter in model.student.parameters())


def test_the_networks_start_apart_and_agreement_is_logged():
    model = build()
    weights = [getattr(model, name).segmentor.decode_head.conv_seg.weight for name in model.networks]
    assert not torch.equal(*weights)
    assert tiny.loss_of(model, tiny.batch())['unsup.agreement'] < 1
    model.peer.load_state_dict(model.student.state_dict())
    assert tiny.loss_of(model, tiny.batch())['unsup.agreement'] == 1


def test_unsup_scale_multiplies_what_is_taught():
    model = build()
    data = tiny.batch()
    full = tiny.loss_of(model, data)
    model.unsup_scale.fill_(0.25)
    part = tiny.loss_of(model, data)
    for key in full:
        torch.testing.assert_close(part[key], full[key] * (0.25 if 'pseudo' in key else 1))


def test_wrong_options():
    with pytest.raises(ValueError, match="teacher_mode must be one of .*'train', 'eval'"):
        build(teacher_mode='frozen')
    with pytest.raises(ValueError, match='unlabeled_per_labeled=2'):
        tiny.loss_of(build(cutmix={}), tiny.batch(labeled=1, ratio=1))


def test_located_labels():
    """CPS with ELN's localizer: labels count where it calls them right; a threshold of 1 keeps none, 0 all. It learns
    from both networks' predictions of the labeled images, and gets no gradient from what is taught.
    """
    options = dict(tiny.DEFAULTS['LocatedCPS'])
    model = tiny.build('LocatedCPS', **dict(options, threshold=0.5))
    data = model.data_preprocessor(narrow(tiny.batch()), True)
    weak, samples = data['inputs']['weak'], data['data_samples']['weak']
    with labeling_mode(model.peer, 'train'), labeling_mode(model.localizer):
        logits = model.peer(weak).logits
        right = model.localizer(weak, logits)[:, 0] > 0
    mask = model.cutmix.sample(samples[:2], weak[:2]).mask
    kept, valid = (torch.where(mask, maps[2:], maps[:2]).float() for maps in (right, valid_pixels(samples, weak)))
    judged = []
    model.localizer.register_forward_hook(lambda _, args, __: judged.append((len(args[0]), torch.is_grad_enabled())))
    losses = model(**data, mode='loss')
    torch.testing.assert_close(losses['peer.kept'], masked_mean(kept, over=valid))
    assert judged == [(4, False), (4, False), (4, True)]
    losses['student.unsup.loss_pseudo'].backward(retain_graph=True)
    assert all(parameter.grad is None for parameter in model.localizer.parameters())
    losses['localizer.loss_detection'].backward()
    assert all(parameter.grad is not None for parameter in model.localizer.parameters())
    assert all(parameter.grad is None for parameter in model.peer.parameters())

    for threshold, kept in ((0.0, 1), (1.0, 0)):
        losses = tiny.loss_of(tiny.build('LocatedCPS', **dict(options, threshold=threshold)), tiny.batch())
        assert losses['student.kept'] == losses['peer.kept'] == kept
        assert (losses['student.unsup.loss_pseudo'] == 0) == (kept == 0)
    with pytest.raises(ValueError, match='threshold is a probability'):
        tiny.build('LocatedCPS', threshold=2)
