"""Those of :mod:`plain_cases` that learn from scribbles."""

from plain import Case

BANDWIDTH = dict(bandwidth=60.0)  # the plain images are noise: by the defaults no two pixels would be alike
SOLVER = dict(BANDWIDTH, solver='gd', steps=12)

SCRIBBLES = {
    'ScribbleSupervised': Case('ScribbleSupervised'),
    'PottsRegularized-pretrain': Case('PottsRegularized', stage='pretrain'),
    'PottsRegularized': Case('PottsRegularized', dict(potts=BANDWIDTH)),
    'PottsRegularized-edges': Case(
        'PottsRegularized',
        dict(eta=0.8, potts=dict(BANDWIDTH, weight=1.7, normalization='edges', relaxation='bilinear')),
    ),
    'PottsRegularized-nonlocal': Case(
        'PottsRegularized',
        dict(potts=dict(BANDWIDTH, neighborhood='nonlocal', partners=3, radius=4.0)),
    ),
    'PottsRegularized-dense': Case(
        'PottsRegularized',
        dict(
            potts=dict(
                **BANDWIDTH,
                neighborhood='dense',
                normalization='images',
                relaxation='bilinear',
                spatial_bandwidth=3.0,
                weight=0.1,
            )
        ),
    ),
    'SoftSelfLabeling-pretrain': Case('SoftSelfLabeling', stage='pretrain'),
    'SoftSelfLabeling': Case('SoftSelfLabeling', dict(self_labeling=BANDWIDTH)),
    'SoftSelfLabeling-multiplicative': Case(
        'SoftSelfLabeling', dict(self_labeling=dict(BANDWIDTH, solver='multiplicative'))
    ),
    'SoftSelfLabeling-gd': Case('SoftSelfLabeling', dict(self_labeling=SOLVER)),
    'SoftSelfLabeling-standard': Case(
        'SoftSelfLabeling',
        dict(self_labeling=dict(SOLVER, cross_entropy='standard', relaxation='quadratic', eta=0.5)),
    ),
    'SoftSelfLabeling-reverse': Case(
        'SoftSelfLabeling',
        dict(self_labeling=dict(SOLVER, cross_entropy='reverse', relaxation='bilinear', potts_weight=3.0)),
    ),
    'HardSelfLabeling-pretrain': Case('HardSelfLabeling', dict(error_rate=0.3), stage='pretrain'),
    'HardSelfLabeling': Case('HardSelfLabeling', dict(error_rate=0.3)),
    'HardSelfLabeling-weights': Case(
        'HardSelfLabeling',
        dict(error_rate=0.6, self_labeling=dict(unary_weight=2.0, potts_weight=1.0, **BANDWIDTH)),
    ),
    'TreeEnergy-pretrain': Case('TreeEnergy', stage='pretrain'),
    'TreeEnergy': Case('TreeEnergy', dict(tree=dict(sigma=1.0))),
    'TreeEnergy-weights': Case('TreeEnergy', dict(tree=dict(sigma=0.5, weight=0.7))),
    'ScribbleMeanTeacher-pretrain': Case('ScribbleMeanTeacher', stage='pretrain'),
    'ScribbleMeanTeacher': Case('ScribbleMeanTeacher', dict(self_labeling=SOLVER, unsup_weight=1.3)),
}
SCRIBBLES = {name: case._replace(scribbles=True) for name, case in SCRIBBLES.items()}
