"""Checkpoint files are whole or not there, and there is always one to go on from."""

import os
import re
import signal
import zipfile

import pytest
import torch
from toy_process import output, train
from toy_run import draw_images, toy_config, write_config

from mmseg_ssl.engine import AtomicBackend, SafeCheckpointHook, find_resumable, misfit
from mmseg_ssl.engine.resume import is_complete
from mmseg_ssl.errors import UserError
from mmseg_ssl.utils.atomic_files import remove_partial_files, replace_file


@pytest.fixture(scope='module')
def data(tmp_path_factory):
    return draw_images(tmp_path_factory.mktemp('toy') / 'data')


def names(folder, pattern='*.pth*'):
    return sorted(path.name for path in folder.glob(pattern))


def save(path, cut=False, flip=False):
    torch.save({'weight': torch.arange(1000.0)}, path)
    content = bytearray(path.read_bytes())
    if flip:
        content[len(content) // 2] ^= 1
    path.write_bytes(content[: len(content) // 2] if cut else content)


class TestAtomicFiles:
    def test_a_write_that_fails_leaves_the_old_content(self, tmp_path, monkeypatch):
        path = tmp_path / 'a.pth'
        replace_file(path, b'old')

        def full_disk(descriptor):
            raise OSError('no space left')

        monkeypatch.setattr(os, 'fsync', full_disk)
        with pytest.raises(OSError, match='no space'):
            replace_file(path, b'new')
        assert path.read_bytes() == b'old'

    def test_bytes_are_on_the_disk_before_they_get_the_name(self, tmp_path, monkeypatch):
        order = []
        true_fsync, true_replace = os.fsync, os.replace
        monkeypatch.setattr(os, 'fsync', lambda fd: (order.append('fsync'), true_fsync(fd)))
        monkeypatch.setattr(os, 'replace', lambda *args: (order.append('replace'), true_replace(*args)))
        replace_file(tmp_path / 'a.pth', b'new')
        assert order[:2] == ['fsync', 'replace']

    def test_leftovers_are_removed_and_nothing_else(self, tmp_path):
        for name in ('iter_2.pth', 'iter_4.pth.partial', 'last_checkpoint.partial', 'mine.partial'):
            (tmp_path / name).touch()
        assert [path.name for path in remove_partial_files(tmp_path)] == [
            'iter_4.pth.partial',
            'last_checkpoint.partial',
        ]
        assert names(tmp_path, '*') == ['iter_2.pth', 'mine.partial']

    def test_removals_come_last_and_not_at_all_after_an_error(self, tmp_path):
        backend = AtomicBackend()
        old, kept = tmp_path / 'old.pth', tmp_path / 'kept.pth'
        for path in (old, kept):
            path.touch()

        def fail():
            with backend.removals_last():
                backend.remove(str(old))
                raise KeyError

        with pytest.raises(KeyError):
            fail()
        assert old.exists()
        with backend.removals_last() as doomed:
            backend.remove(str(old))
            backend.remove(str(kept))
            assert old.exists()
            doomed.remove(str(kept))
        assert not old.exists()
        assert kept.exists()


class TestFindResumable:
    def test_the_noted_one(self, tmp_path):
        for number in (2, 4):
            save(tmp_path / f'iter_{number}.pth')
        (tmp_path / 'last_checkpoint').write_text(str(tmp_path / 'iter_2.pth'))
        assert find_resumable(tmp_path) == tmp_path / 'iter_2.pth'

    @pytest.mark.parametrize('damage', ['cut', 'flip', 'gone', 'empty note'])
    def test_else_the_newest_whole_one_by_number(self, tmp_path, damage):
        """iter_10 is newer than iter_9, whatever the alphabet says; best_* cannot be resumed from."""
        for name in ('iter_9', 'iter_10', 'best_mIoU_iter_11'):
            save(tmp_path / f'{name}.pth')
        if damage in ('cut', 'flip'):
            save(tmp_path / 'iter_12.pth', **{damage: True})
        (tmp_path / 'last_checkpoint').write_text('' if damage == 'empty note' else str(tmp_path / 'iter_12.pth'))
        assert find_resumable(tmp_path) == tmp_path / 'iter_10.pth'

    def test_a_folder_that_was_moved(self, tmp_path):
        save(tmp_path / 'iter_2.pth')
        save(tmp_path / 'iter_4.pth')
        (tmp_path / 'last_checkpoint').write_text('/elsewhere/iter_2.pth')
        assert find_resumable(tmp_path) == tmp_path / 'iter_2.pth'

    @pytest.mark.parametrize('note', [b'\xff\xfe\x00garbage', b'\0', b'/x' * 5000, b'.', b''])
    def test_a_damaged_note(self, tmp_path, note):
        save(tmp_path / 'iter_2.pth')
        (tmp_path / 'last_checkpoint').write_bytes(note)
        assert find_resumable(tmp_path) == tmp_path / 'iter_2.pth'

    def test_a_folder_that_was_copied_uses_its_own_files(self, tmp_path):
        for name in ('old', 'new'):
            (tmp_path / name).mkdir()
            save(tmp_path / name / 'iter_2.pth')
            (tmp_path / name / 'last_checkpoint').write_text(str(tmp_path / 'old' / 'iter_2.pth'))
        assert find_resumable(tmp_path / 'new') == tmp_path / 'new' / 'iter_2.pth'

    def test_a_checkpoint_within_an_epoch_is_newer_than_its_start(self, tmp_path):
        for name in ('epoch_2', 'epoch_10_iter_95', 'epoch_10', 'epoch_10_iter_105'):
            save(tmp_path / f'{name}.pth')
        assert find_resumable(tmp_path).name == 'epoch_10_iter_105.pth'
        (tmp_path / 'epoch_10_iter_105.pth').unlink()
        assert find_resumable(tmp_path).name == 'epoch_10_iter_95.pth'

    def test_only_what_the_model_can_go_on_from(self, tmp_path):
        """Whole archives all of them; the reason names what is missing."""
        model = torch.nn.Linear(2, 1)
        whole = dict(
            meta={}, message_hub={}, optimizer={}, state_dict={'module.' + k: v for k, v in model.state_dict().items()}
        )
        wrong = {
            3: dict(whole, state_dict=torch.nn.Linear(3, 1).state_dict()),
            4: dict(whole, state_dict=dict(bias=torch.zeros(1))),
            5: dict(state_dict=model.state_dict()),
            6: [1, 2],
        }
        reasons = {3: r'weight is \(1, 3\) there, \(1, 2\) here', 4: 'no weight', 5: 'holds meta', 6: 'holds meta'}
        for number, content in {2: whole, **wrong}.items():
            torch.save(content, tmp_path / f'iter_{number}.pth')
        with zipfile.ZipFile(tmp_path / 'iter_7.pth', 'w') as archive:
            archive.writestr('a.txt', 'no checkpoint at all')
        for number, reason in reasons.items():
            assert re.search(reason, misfit(tmp_path / f'iter_{number}.pth', model))
        assert 'cannot be read' in misfit(tmp_path / 'iter_7.pth', model)
        assert find_resumable(tmp_path, lambda path: misfit(path, model)) == tmp_path / 'iter_2.pth'

    def test_of_many_that_are_no_use_none_is_overwritten(self, tmp_path):
        """A run that begins anew writes iter_2.pth, too."""
        for number in (2, 4):
            save(tmp_path / f'iter_{number}.pth', cut=number == 4)
        with pytest.raises(UserError) as error:
            find_resumable(tmp_path, lambda path: misfit(path, torch.nn.Linear(2, 1)))
        lines = str(error.value).splitlines()
        assert lines[0] == f'{tmp_path} has checkpoints, and from none of them this run can continue:'
        assert lines[1:3] == [
            '  iter_4.pth is truncated or damaged',
            '  iter_2.pth is not a checkpoint of a training run, which holds meta, state_dict, message_hub, optimizer',
        ]
        assert 'another --work-dir' in lines[3]

    def test_nothing_there(self, tmp_path):
        assert find_resumable(tmp_path) is None
        assert find_resumable(tmp_path / 'missing') is None

    def test_is_complete(self, tmp_path):
        save(tmp_path / 'whole.pth')
        save(tmp_path / 'cut.pth', cut=True)
        save(tmp_path / 'flipped.pth', flip=True)
        assert is_complete(tmp_path / 'whole.pth')
        assert not is_complete(tmp_path / 'cut.pth')
        assert not is_complete(tmp_path / 'flipped.pth')


def test_one_kept_checkpoint_is_one_at_any_moment(data, tmp_path):
    """With max_keep_ckpts=1 mmengine's hook removes iter_2.pth before it writes iter_4.pth; a kill then leaves none.

    Here iter_3.pth, written before the validation, is there beside it, until the next one is.
    """
    config = toy_config(data)
    config['default_hooks']['checkpoint'].update(max_keep_ckpts=1)
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    assert train(path, run, kill='writing:iter_4.pth') == -signal.SIGKILL
    assert names(run) == ['iter_2.pth', 'iter_3.pth', 'iter_4.pth.partial']
    assert find_resumable(run) == run / 'iter_3.pth'
    assert train(path, run, '--resume') == 0, output(run)
    assert names(run) == ['iter_6.pth']
    assert (run / 'last_checkpoint').read_text() == str(run / 'iter_6.pth')


@pytest.mark.slow
def test_the_former_best_stays_until_the_new_one_is_there(data, tmp_path):
    config = toy_config(data, val_evaluator=dict(type='GrowingScore'))
    config['default_hooks']['checkpoint'].update(save_best='score', rule='greater')
    path, run = write_config(tmp_path / 'config.py', config), tmp_path / 'run'
    assert train(path, run, kill='writing:best_score_iter_6.pth') == -signal.SIGKILL, output(run)
    assert names(run, 'best*') == ['best_score_iter_3.pth', 'best_score_iter_6.pth.partial']
    assert train(path, run, '--resume', str(run / 'iter_4.pth')) == 0, output(run)
    assert names(run, 'best*') == ['best_score_iter_6.pth']


@pytest.mark.parametrize(
    'key, rule',
    [
        ('mIoU', 'greater'),
        ('teacher/mIoU', 'greater'),
        ('IoU.sky', 'greater'),
        ('student/mFscore', 'greater'),
        ('localizer/error_F1_pooled', 'greater'),
        ('confidence/error_AP', 'greater'),
        ('ECE', 'less'),
    ],
)
def test_the_best_of_every_metric(key, rule):
    assert SafeCheckpointHook(by_epoch=False, save_best=key).rules == [rule]
