"""The methods and options whose whole loss is compared: with equations by the value tests, with itself by the golden
numbers.
"""

import plain
from plain import Case
from plain_scribble_cases import SCRIBBLES

JUDGE = dict(localizer=plain.localizer())
BOX = dict(prob=1.0, area=(0.2, 0.5))
HEAD = dict(hidden_channels=5, out_channels=3, norm_cfg=None)
WEIGHTING = dict(type='EnergyWeighting')
CONTRAST = dict(projection=dict(hidden_channels=5, out_channels=3))

CASES = {
    'Supervised': Case('Supervised'),
    'MeanTeacher': Case('MeanTeacher'),
    'MeanTeacher-ce': Case('MeanTeacher', dict(consistency='ce', unsup_weight=1.3)),
    'MeanTeacher-release': Case('MeanTeacher', dict(teacher=dict(eval_mode=False, buffers='own'))),
    'CutMixSeg': Case('CutMixSeg', dict(threshold=0.8)),
    'CutMixSeg-default': Case('CutMixSeg'),
    'CutMixSeg-weight': Case('CutMixSeg', dict(threshold=0.8, unsup_weight=1.3)),
    'FixMatch': Case('FixMatch', dict(threshold=0.8, sup_weight=0.4, unsup_weight=1.3, cutmix=BOX)),
    'FixMatch-default': Case('FixMatch', dict(cutmix=dict(prob=1.0))),
    'FixMatch-adaptive': Case(
        'FixMatch', dict(threshold=dict(type='AdaptiveThreshold', initial=0.5, momentum=0.6), cutmix=BOX)
    ),
    'FixMatch-fuzzy': Case('FixMatch', dict(threshold=0.5, target=dict(type='fuzzy_topk', k=2), cutmix=BOX)),
    'FixMatch-train': Case('FixMatch', dict(threshold=0.5, teacher_mode='train', cutmix=BOX)),
    'UniMatchV1': Case('UniMatchV1', dict(threshold=0.7, cutmix=BOX)),
    'UniMatchV1-weights': Case(
        'UniMatchV1',
        dict(
            threshold=0.5,
            sup_weight=0.4,
            unsup_weight=1.3,
            view_weights=dict(strong1=0.3, strong2=0.9, feature=0.7),
            cutmix=BOX,
        ),
    ),
    'UniMatchV1-train': Case('UniMatchV1', dict(threshold=0.5, teacher_mode='train', cutmix=BOX)),
    'UniMatchV2': Case('UniMatchV2', dict(threshold=0.7, cutmix=BOX)),
    'UniMatchV2-weights': Case(
        'UniMatchV2',
        dict(
            threshold=0.5,
            sup_weight=0.4,
            unsup_weight=1.3,
            feature_keep=0.3,
            cutmix=BOX,
        ),
    ),
    'CPS': Case('CPS'),
    'CPS-weight': Case('CPS', dict(unsup_weight=1.3)),
    'CPS-cutmix': Case('CPS', dict(cutmix={}, unsup_weight=1.3)),
    'CPS-cutmix-eval': Case('CPS', dict(cutmix={}, teacher_mode='eval')),
    'LocatedCPS': Case('LocatedCPS', dict(JUDGE, threshold=0.4)),
    'LocatedCPS-default': Case('LocatedCPS', JUDGE),
    'CPCL': Case('CPCL'),
    'CPCL-weight': Case('CPCL', dict(unsup_weight=1.3)),
    'CPCL-eval': Case('CPCL', dict(teacher_mode='eval')),
    'DUEB': Case('DUEB'),
    'DUEB-weight': Case('DUEB', dict(unsup_weight=1.3, energy=WEIGHTING)),
    'DUEB-measured': Case('DUEB', dict(energy=WEIGHTING)),
    'DUEB-weights': Case(
        'DUEB',
        dict(
            aleatoric=dict(weight=(0.3, 1.7), num_samples=3),
            energy=dict(type='HingeEnergyTerm', weight=(0.6, 1.9)),
        ),
    ),
    'DUEB-joint': Case(
        'DUEB', dict(aleatoric=None, energy=dict(type='JointEnergyTerm', weight=(0.6, 1.9), logit_weight=0.3))
    ),
    'DUEB-stride': Case('DUEB', dict(aleatoric=dict(sample_stride=2, num_samples=3), energy=None)),
    'DUEB-temperature': Case('DUEB', dict(aleatoric=None, energy=dict(WEIGHTING, temperature=2.0))),
    **{
        f'DUEB-{aleatoric}-{energy}': Case(
            'DUEB',
            dict(
                aleatoric=aleatoric and dict(type=f'{aleatoric}Term', num_samples=3),
                energy=energy and dict(type=energy),
            ),
        )
        for aleatoric, energy in (
            (None, None),
            (None, 'JointEnergyTerm'),
            (None, 'HingeEnergyTerm'),
            (None, 'EnergyWeighting'),
            (None, 'ReleaseEnergyTerm'),
            ('ReleaseAleatoric', None),
            ('ReleaseAleatoric', 'ReleaseEnergyTerm'),
            ('KendallGal', 'JointEnergyTerm'),
        )
    },
    'FARCLUSS': Case('FARCLUSS', dict(projection=HEAD, cutmix=BOX)),
    'FARCLUSS-contrast': Case('FARCLUSS', dict(projection=HEAD, cutmix=BOX), scale=1.0),
    'FARCLUSS-weights': Case(
        'FARCLUSS',
        dict(
            projection=HEAD,
            cutmix=BOX,
            label=dict(k=2),
            reliability=dict(exponent=2.0),
            unsup_weight=1.3,
            contrast=dict(weight=0.4, temperature=0.3),
            rebalancing=dict(momentum=1.0, weights='class'),
        ),
        scale=1.0,
    ),
    'FARCLUSS-hard': Case(
        'FARCLUSS', dict(projection=HEAD, cutmix=BOX, label=dict(mode='hard'), reliability=dict(form='none'))
    ),
    'FARCLUSS-full': Case(
        'FARCLUSS',
        dict(
            projection=HEAD,
            cutmix=BOX,
            label=dict(mode='full'),
            reliability=dict(form='exponential'),
        ),
    ),
    'FARCLUSS-off': Case(
        'FARCLUSS',
        dict(
            projection=HEAD,
            cutmix=BOX,
            label=dict(mode='hard'),
            reliability=dict(form='none'),
            rebalancing=dict(exponent=0.0),
            contrast=dict(weight=0.0),
        ),
        scale=1.0,
    ),
    'FARCLUSS-cumulative': Case('FARCLUSS', dict(projection=HEAD, cutmix=BOX, label=dict(mode='cumulative'))),
    'ELNWarmup-pretrain': Case('ELNWarmup', JUDGE, stage='pretrain'),
    'ELNWarmup': Case('ELNWarmup', dict(JUDGE, slack=(0.7, 0.5))),
    'ELNWarmup-batch': Case('ELNWarmup', dict(JUDGE, slack=(0.5, 0.6), gate='batch', reduction='sum')),
    'ELN-pretrain': Case('ELN', dict(JUDGE, **CONTRAST), stage='pretrain'),
    'ELN-warmup': Case('ELN', dict(JUDGE, **CONTRAST, slack=(0.5,)), stage='warmup'),
    'ELN': Case('ELN', dict(JUDGE, **CONTRAST, slack=(0.5, 0.6))),
    'ELN-weights': Case(
        'ELN',
        dict(
            JUDGE,
            **CONTRAST,
            slack=(0.5,),
            threshold=0.4,
            pseudo_weight=1.3,
            contrast_weight=0.6,
            pseudo_mean='kept',
            student_views=('weak', 'strong'),
            contrast=dict(positives='sum', temperature=0.8),
            teacher=dict(eval_mode=False),
        ),
    ),
    'ELN-release': Case(
        'ELN',
        dict(
            CONTRAST,
            localizer=dict(plain.localizer(), inputs='logits', balance='batch', ignored_as_wrong=True),
            slack=(0.5, 0.6),
            gate='batch',
            reduction='sum',
            pseudo_mean='kept',
            student_views=('weak', 'strong'),
            contrast=dict(windows=8, positives='log_sum', anchors='teacher'),
            teacher=dict(eval_mode=False, buffers='own'),
        ),
    ),
    'ELN-cutmix': Case('ELN', dict(JUDGE, **CONTRAST, slack=(0.5, 0.6), cutmix=BOX)),
    'ELN-cutmix-windows': Case(
        'ELN',
        dict(
            JUDGE,
            **CONTRAST,
            slack=(0.5,),
            cutmix=BOX,
            contrast=dict(windows=8, positives='log_sum', anchors='teacher'),
            pseudo_mean='kept',
        ),
    ),
    'ELN-corrector': Case(
        'ELN',
        dict(localizer=dict(plain.localizer(), type='ErrorCorrector'), **CONTRAST, slack=(0.5,), contrast_weight=0.3),
    ),
    'ELN-confidence': Case(
        'ELN', dict(localizer=dict(type='ConfidenceThreshold'), **CONTRAST, threshold=0.7, slack=(), pseudo_weight=0.4)
    ),
    'PseudoLabel': Case('PseudoLabel'),
    'PseudoLabel-threshold': Case('PseudoLabel', dict(threshold=0.7, unsup_weight=1.3)),
    **SCRIBBLES,
}
