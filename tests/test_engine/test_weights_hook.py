"""CheckWeightsHook: which use of a checkpoint it checks, by what the runner is about to run."""

from types import SimpleNamespace

import pytest
import tiny
from mmengine.runner import IterBasedTrainLoop, TestLoop

from mmseg_ssl.engine import CheckWeightsHook
from mmseg_ssl.utils.weights import WeightsError


def runner(loop, resume=False, test_loop=None):
    model = tiny.build('MeanTeacher', predict_on='student')
    return SimpleNamespace(model=model, _train_loop=loop, _test_loop=test_loop, _resume=resume, _load_from='a.pth')


@pytest.mark.parametrize('resume', [False, True])
def test_the_same_classes_in_another_order_are_refused(resume, monkeypatch):
    """Every class was scored, or trained on, by the name of another one."""
    names = ('sky', 'road', 'car', 'tree')
    state = tiny.build('MeanTeacher').state_dict()
    loop = (IterBasedTrainLoop if resume else TestLoop).__new__(IterBasedTrainLoop if resume else TestLoop)
    loop.dataloader = SimpleNamespace(dataset=SimpleNamespace(metainfo=dict(classes=names)))
    loops = dict(loop=loop, resume=True) if resume else dict(loop=dict(type='SemiTrainLoop'), test_loop=loop)

    said = []
    monkeypatch.setattr('mmseg_ssl.engine.weights_hook.print_log', lambda text, *rest: said.append(text))

    def load(classes, **options):
        meta = dict(dataset_meta=dict(classes=classes)) if classes else {}
        CheckWeightsHook(**options).after_load_checkpoint(runner(**loops), dict(state_dict=state, meta=meta))

    for fine in (names, list(names), None, ('one', 'two'), names[:3], (*names, 'more')):
        load(fine)
    loop.dataloader.dataset.metainfo = {}  # of a dataset without classes
    load(names)
    loop.dataloader.dataset.metainfo = dict(classes=names)
    assert not said
    turned = ('sky', 'car', 'road', 'tree')
    with pytest.raises(WeightsError, match="with class 1 'car', which the data of this config call 'road': the same"):
        load(turned)
    found = runner(**loops)
    found._load_from = None  # it was looked for in the run's folder
    with pytest.raises(WeightsError, match='^the checkpoint was trained with'):
        CheckWeightsHook().after_load_checkpoint(
            found, dict(state_dict=state, meta=dict(dataset_meta=dict(classes=turned)))
        )
    for doubted, options in ((turned, dict(allow_missing=True)), (('sky', 'street', 'car', 'tree'), {})):
        said.clear()
        load(doubted, **options)
        assert len(said) == 1 and "which the data of this config call 'road': its scores" in said[0]
        assert said[0].startswith('a.pth was trained with class 1')


def test_training_testing_and_resuming():
    """A checkpoint of a student without its head: enough to begin a training with, not to test or to go on."""
    training = IterBasedTrainLoop.__new__(IterBasedTrainLoop)
    weights = {key: value for key, value in tiny.build().state_dict().items() if 'decode_head' not in key}
    CheckWeightsHook().after_load_checkpoint(runner(training), dict(state_dict=weights))
    both = runner(training, test_loop=TestLoop.__new__(TestLoop))  # EarlyStoppingHook builds the first before a test
    tested = runner(dict(type='SemiTrainLoop'))
    for use, other in (('predict', tested), ('predict', both), ('resume', runner(training, resume=True))):
        with pytest.raises(WeightsError, match=f'a.pth lacks .* needs to {use}'):
            CheckWeightsHook().after_load_checkpoint(other, dict(state_dict=weights))
        CheckWeightsHook(allow_missing=True).after_load_checkpoint(other, dict(state_dict=weights))
    # a head that fits by chance, of the same classes, says nothing of the backbone
    head = {key: value for key, value in tiny.build().student.segmentor.state_dict().items() if 'decode_head' in key}
    with pytest.raises(WeightsError, match='nothing for a backbone'):
        CheckWeightsHook().after_load_checkpoint(runner(training), head)
