"""Errors that someone could make in a method, each by hand: a file, what to write for what, and what it would do."""

from typing import NamedTuple, Tuple


class Named(NamedTuple):
    """An error: in ``file``, the first ``old`` becomes ``new``."""

    file: str
    what: str
    old: str
    new: str


S = 'mmseg_ssl/models/segmentors/'
SCALE = 'unsup_scale dropped'

NAMED: Tuple[Named, ...] = (
    # the nine of which no test knew
    Named(
        S + 'cpcl.py',
        'targets of the two branches swapped',
        'dict(conservative=agreed, progressive=either)',
        'dict(conservative=either, progressive=agreed)',
    ),
    Named(S + 'cpcl.py', 'labels leave their image', 'mix(logits_a, logits_b)', 'mix(logits_b, logits_a)'),
    Named(
        S + 'cpcl.py', 'lambda_u dropped', 'self.unsup_weight * self.unsup_scale * pseudo', 'self.unsup_scale * pseudo'
    ),
    Named(
        S + 'cpcl.py',
        'mean over kept pixels',
        'over=step.valid)\n        losses[',
        'over=step.target.weight > 0)\n        losses[',
    ),
    Named(
        S + 'dueb.py',
        'energy weight on pseudo labels removed',
        'on_pseudo * self.unsup_scale * self.energy_loss(',
        'self.unsup_scale * self.energy_loss(',
    ),
    Named(S + 'dueb.py', 'energy weight on ground truth removed', 'on_truth * self.energy_loss(', 'self.energy_loss('),
    Named(
        'mmseg_ssl/models/energy_margins.py',
        'margins swapped',
        'return self.means[0].clone(), self.means[1].clone()',
        'return self.means[1].clone(), self.means[0].clone()',
    ),
    Named(
        S + 'dueb.py',
        'margins swapped for the hinge',
        'margins=self.margins[name]()',
        'margins=self.margins[name]()[::-1]',
    ),
    Named(
        S + 'dueb.py',
        'aleatoric weights swapped',
        'on_truth, on_pseudo = self.aleatoric_weight',
        'on_pseudo, on_truth = self.aleatoric_weight',
    ),
    Named(
        S + 'dueb.py',
        'aleatoric weight on ground truth removed',
        'on_truth * self.aleatoric_loss(',
        'self.aleatoric_loss(',
    ),
    Named(
        S + 'dueb.py', 'hinge mask removed', 'label = label.where(~disagreed, label.new_full((), IGNORE_INDEX))', 'pass'
    ),
    Named(
        S + 'dueb.py',
        'pseudo aleatoric loss on sup',
        'self.aleatoric_loss(step.mixed, pseudo)',
        'self.aleatoric_loss(step.sup, truth)',
    ),
    # the scale, in every method
    Named(S + 'fixmatch.py', SCALE, 'self.unsup_weight * self.unsup_scale * loss', 'self.unsup_weight * loss'),
    Named(
        S + 'unimatch_v1.py',
        SCALE,
        'self.view_weights[view] * loss',
        'self.view_weights[view] * loss / self.unsup_scale',
    ),
    Named(
        S + 'unimatch_v2.py',
        SCALE,
        'self.view_weights[view] * loss',
        'self.view_weights[view] * loss / self.unsup_scale',
    ),
    Named(S + 'cpcl.py', SCALE, 'self.unsup_weight * self.unsup_scale', 'self.unsup_weight'),
    Named(
        S + 'dueb.py',
        SCALE + ' (aleatoric)',
        'on_pseudo * self.unsup_scale * self.aleatoric',
        'on_pseudo * self.aleatoric',
    ),
    Named(S + 'dueb.py', SCALE + ' (energy)', 'on_pseudo * self.unsup_scale * self.energy', 'on_pseudo * self.energy'),
    Named(S + 'cutmix_seg.py', SCALE, 'self.unsup_weight * self.unsup_scale', 'self.unsup_weight'),
    Named(S + 'pseudo_label.py', SCALE, 'self.unsup_weight * self.unsup_scale', 'self.unsup_weight'),
    Named(S + 'mean_teacher.py', SCALE, 'self.unsup_weight * self.unsup_scale', 'self.unsup_weight'),
    Named(S + 'cps.py', SCALE, 'self.unsup_weight * self.unsup_scale', 'self.unsup_weight'),
    Named(S + 'farcluss.py', SCALE, 'self.unsup_weight * self.unsup_scale', 'self.unsup_weight'),
    Named(
        S + 'farcluss.py', 'contrast before the end of the ramp', '(self.unsup_scale >= 1).float()', 'self.unsup_scale'
    ),
    Named(S + 'eln.py', SCALE + ' (pseudo)', 'self.pseudo_weight * self.unsup_scale', 'self.pseudo_weight'),
    Named(S + 'eln.py', SCALE + ' (contrast)', 'self.contrast_weight * self.unsup_scale', 'self.contrast_weight'),
    Named(S + 'hard_self_labeling.py', SCALE, 'self.unsup_scale * masked_mean', 'masked_mean'),
    Named(S + 'potts_regularized.py', SCALE + ' (entropy)', 'self.eta * self.unsup_scale', 'self.eta'),
    Named(S + 'potts_regularized.py', SCALE + ' (pairs)', 'self.unsup_scale * self.potts', 'self.potts'),
    Named(S + 'tree_energy.py', SCALE, 'self.unsup_scale * self.tree', 'self.tree'),
    Named('mmseg_ssl/models/self_labeling.py', SCALE, 'self.eta * scale * masked_mean', 'self.eta * masked_mean'),
    # weights and views
    Named(
        S + 'fixmatch.py',
        'weight of labelled images dropped',
        "samples), 'sup'), self.sup_weight)",
        "samples), 'sup'), 1.0)",
    ),
    Named(
        S + 'base.py',
        'auxiliary losses keep their weight',
        "value * weight if 'loss' in key",
        "value * weight if 'aux' not in key",
    ),
    Named(
        S + 'mean_teacher.py', 'teacher sees strong', "self.teacher(inputs['weak'])", "self.teacher(inputs['strong'])"
    ),
    Named(
        S + 'mean_teacher.py',
        'student sees weak',
        "[inputs['sup'], inputs['strong']]",
        "[inputs['sup'], inputs['weak']]",
    ),
    Named(S + 'fixmatch.py', 'student sees weak', "mix(inputs['strong'])]", "mix(inputs['weak'])]"),
    Named(
        S + 'pseudo_label.py',
        'student sees weak',
        "torch.cat([inputs['sup'], inputs['strong']])",
        "torch.cat([inputs['sup'], inputs['weak']])",
    ),
    Named(
        S + 'unimatch_v1.py',
        'both strong views are the first',
        'mix(inputs[view]) for view, mix',
        "mix(inputs['strong1']) for view, mix",
    ),
    Named(S + 'unimatch_v2.py', 'the student labels itself', 'self.teacher(weak).logits', 'self.student(weak).logits'),
    Named(
        S + 'farcluss.py',
        'teacher sees strong',
        "torch.cat([inputs['sup'], inputs['weak']])",
        "torch.cat([inputs['sup'], inputs['strong']])",
    ),
    Named(
        S + 'eln.py',
        'teacher sees strong',
        "weak = self.teacher(inputs['weak'])",
        "weak = self.teacher(inputs['strong'])",
    ),
    # mixing
    Named(S + 'fixmatch.py', 'valid mask unmixed', 'mix(target), mix(valid))', 'mix(target), valid)'),
    Named(S + 'fixmatch.py', 'target of the unmixed view', 'strong.logits, mix(target)', 'strong.logits, target'),
    Named(
        S + 'unimatch_v1.py',
        'one box for both views',
        'mixes = sample_mixes(self.cutmix, samples, weak)',
        'mixes = dict.fromkeys(STRONG, self.cutmix.sample(samples, weak))',
    ),
    Named(
        S + 'farcluss.py',
        'reliability not mixed',
        'mix(target), mix(reliability), mix(valid)',
        'mix(target), reliability, mix(valid)',
    ),
    Named(
        S + 'farcluss.py',
        'valid mask unmixed',
        'mix(target), mix(reliability), mix(valid)',
        'mix(target), mix(reliability), valid',
    ),
    Named(
        S + 'cutmix_seg.py',
        'probabilities of the unmixed images',
        "mix(*self.teacher(inputs['weak']).logits.chunk(2))",
        "self.teacher(inputs['weak']).logits.chunk(2)[0]",
    ),
    Named(
        S + 'cutmix_seg.py', 'student images mixed the other way', 'mix(strong_a, strong_b)', 'mix(strong_b, strong_a)'
    ),
    Named(S + 'cps.py', 'weights mixed the other way', 'mix(*weight)', 'mix(*weight[::-1])'),
    Named(
        S + 'cpcl.py',
        'valid mask unmixed',
        'mix(weak_a, weak_b), mix(valid_a, valid_b)',
        'mix(weak_a, weak_b), valid_a',
    ),
    # who is taught what
    Named(
        S + 'cps.py',
        "label of the peer is one's own",
        'step.targets[by]',
        "step.targets[{'student': 'peer', 'peer': 'student'}[by]]",
    ),
    Named(
        S + 'located_cps.py',
        'the localizer learns from one network',
        'for name in self.networks]).detach()',
        'for name in self.networks[:1] * 2]).detach()',
    ),
    Named(S + 'eln_warmup.py', 'decoders train the encoder', '[level.detach() for level in feats]', 'feats'),
    Named(
        S + 'eln.py',
        'rejected pixels teach',
        "self.pseudo_labels(inputs['weak'], weak.logits).reweight(valid)",
        "self.pseudo_labels(inputs['weak'], weak.logits)._replace(weight=valid.float())",
    ),
    Named(
        S + 'eln.py',
        'the localizer judges in training mode',
        'with labelling(self.localizer):',
        "with labelling(self.localizer, 'train'):",
    ),
    Named(
        S + 'fixmatch.py',
        'labels in training mode',
        'labelling(self.student, self.teacher_mode)',
        "labelling(self.student, 'train')",
    ),
    Named(
        S + 'dueb.py',
        'margins follow the mixed images',
        'self.margins[step.name].update(step.sup.logits, truth)',
        'self.margins[step.name].update(step.mixed.logits, pseudo)',
    ),
    Named(S + 'dueb.py', 'disagreed pixels outside of the image', 'step.valid & ~step.agreed', '~step.agreed'),
    Named(
        S + 'farcluss.py',
        'rarity of the batch before',
        'self.rebalancing.update(label, valid)\n        target = self.rebalancing(PixelTarget(label, reliability))',
        'target = self.rebalancing(PixelTarget(label, reliability))\n        self.rebalancing.update(label, valid)',
    ),
    # reductions and thresholds
    Named(
        S + 'cutmix_seg.py',
        'threshold inverted',
        'probs.amax(dim=1) >= self.threshold',
        'probs.amax(dim=1) < self.threshold',
    ),
    Named(S + 'cutmix_seg.py', 'mean over classes', "reduction='none').sum(dim=1)", "reduction='none').mean(dim=1)"),
    Named(S + 'mean_teacher.py', 'sum over classes', "reduction='none').mean(dim=1)", "reduction='none').sum(dim=1)"),
    Named(S + 'pseudo_label.py', 'threshold inverted', 'confidence >= self.threshold', 'confidence < self.threshold'),
    Named(S + 'pseudo_label.py', 'mean over all pixels', 'target), over=kept)', 'target), over=valid)'),
    Named(
        S + 'farcluss.py', 'always divided by the pixels', "self.divide_by == 'weight'", "self.divide_by == 'pixels'"
    ),
    Named(
        S + 'eln_warmup.py',
        'the decoders learn nothing with a gate of the batch',
        'return own + (whole - own.detach())',
        'return own.detach() + (whole - own.detach())',
    ),
    Named(
        S + 'potts_regularized.py',
        'entropy over all pixels',
        'masked_mean(entropy, over=scribbles.unlabeled)',
        'masked_mean(entropy, over=scribbles.valid)',
    ),
    Named(S + 'potts_regularized.py', 'entropy of the wrong sign', '-(probs * log_probs)', '(probs * log_probs)'),
    Named(
        S + 'hard_self_labeling.py',
        'taught on all pixels',
        'masked_mean(distance, over=scribbles.unlabeled)',
        'masked_mean(distance, over=scribbles.valid)',
    ),
    Named(
        S + 'tree_energy.py',
        'valid and unlabelled swapped',
        'embedding, valid, unlabeled)',
        'embedding, unlabeled, valid)',
    ),
    Named(
        'mmseg_ssl/models/self_labeling.py',
        'taught on all pixels',
        'masked_mean(distance, over=scribbles.unlabeled)',
        'masked_mean(distance, over=scribbles.valid)',
    ),
    Named(
        S + 'scribble_mean_teacher.py',
        'no soft labels',
        'losses.update(self.self_labeling.losses(',
        'dict(self.self_labeling.losses(',
    ),
)
