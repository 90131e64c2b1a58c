"""tools/pseudo_label.py: what it writes, from what, and what happens when it is cut short."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.apis import inference_model, init_model
from mmseg.registry import MODELS
from mmseg.structures import SegDataSample
from toy_run import draw_images, toy_config, toy_localizer, toy_model, write_config

from mmseg_ssl.compat import UnsafeCheckpointError
from mmseg_ssl.datasets import DatasetError
from mmseg_ssl.datasets.pseudo_label_files import label_path
from mmseg_ssl.tooling import pseudo_labeler
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.predicted_image import TrustRule, read_maps
from mmseg_ssl.tooling.pseudo_labeler import OfflineLabel, write_label

ROOT = Path(__file__).resolve().parents[2]


def save(model, path):
    """Weights far from their start, so that networks and checkpoints differ."""
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    torch.save(dict(state_dict=model.state_dict(), meta=dict(dataset_meta={})), path)
    return path


@pytest.fixture
def toy(tmp_path, monkeypatch):
    """A config with its checkpoint (student and teacher differ), and a folder of images of two sizes, one nested."""
    monkeypatch.syspath_prepend(str(ROOT / 'tests'))
    config = toy_config(draw_images(tmp_path / 'data'))
    config['test_dataloader'] = config['val_dataloader']
    config['test_pipeline'] = config['val_dataloader']['dataset']['pipeline']
    path = write_config(tmp_path / 'config.py', config)
    images, rng = tmp_path / 'images', np.random.RandomState(1)
    for name, size in (('a.png', (24, 24)), ('sub/deep/b.jpg', (20, 30)), ('c.png', (24, 24))):
        (images / name).parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(images / name), rng.randint(0, 255, (*size, 3)).astype(np.uint8))
    torch.manual_seed(1)
    model = MODELS.build(Config.fromfile(str(path)).model)
    return [str(path), str(save(model, tmp_path / 'iter_6.pth')), str(images), str(tmp_path / 'out')]


def run(tool, toy, *options):
    tool.main([*toy, '--device', 'cpu', '--workers', '0', *map(str, options)])
    return Path(toy[3])


def maps(out, name):
    return [cv2.imread(str(out / kind / f'{name}.png'), cv2.IMREAD_UNCHANGED) for kind in ('masks', 'confidence')]


@pytest.mark.parametrize('network', [None, 'student', 'teacher'])
def test_writes_what_the_network_predicts(tool, toy, network):
    """Every image, nested ones and other sizes too: the class and 255 times the confidence of the host's inference."""
    out = run(tool, toy, *(['--predict-on', network] if network else []))
    model = init_model(toy[0], toy[1], 'cpu')
    model.predict_on = network or 'student'
    for name, file in (('a', 'a.png'), ('sub/deep/b', 'sub/deep/b.jpg'), ('c', 'c.png')):
        result = inference_model(model, str(Path(toy[2]) / file))
        label, confidence = maps(out, name)
        assert np.array_equal(label, result.pred_sem_seg.data[0].numpy())
        expected = 255 * result.seg_logits.data.softmax(dim=0).amax(dim=0).numpy()
        assert label.dtype == confidence.dtype == np.uint8
        assert np.abs(confidence - expected).max() <= 0.51
    assert not list(out.rglob('*.partial'))


def test_batching_and_its_size_change_nothing(tool, toy, tmp_path):
    one = run(tool, toy, '--batch-size', 1)
    two = run(tool, [*toy[:3], str(tmp_path / 'two')], '--batch-size', 3)
    for name in ('a', 'c', 'sub/deep/b'):
        assert np.array_equal(maps(one, name)[0], maps(two, name)[0])


def test_threshold_and_summary(tool, toy, tmp_path):
    """Pixels below it get 255, the confidence stays; the summary counts the files."""
    free = run(tool, toy)
    out = run(tool, [*toy[:3], str(tmp_path / 'strict')], '--threshold', 0.6)
    labels, sure = [], []
    for name in ('a', 'c', 'sub/deep/b'):
        (all_labels, confidence), (label, same) = maps(free, name), maps(out, name)
        assert np.array_equal(confidence, same)
        assert np.array_equal(label[confidence >= 154], all_labels[confidence >= 154])  # 0.6 is 153
        assert (label[confidence <= 152] == 255).all()
        labels.append(label.ravel())
        sure.append(confidence.ravel())
    labels, sure = np.concatenate(labels), np.concatenate(sure)
    summary = json.loads((out / 'summary.json').read_text())
    kept = labels[labels != 255]
    assert 0 < len(kept) < len(labels)
    assert summary['kept'] == pytest.approx(len(kept) / len(labels))
    assert summary['mean_confidence'] == pytest.approx(sure.mean() / 255)
    assert list(summary['classes']) == ['ground', 'wall', 'sky']
    assert summary['classes']['wall'] == pytest.approx((kept == 1).mean())
    assert summary['images'] == 3 and summary['threshold'] == 0.6 and len(summary['checkpoint_sha256']) == 64


def test_flip_averages_with_the_mirror_image(tool, toy):
    out = run(tool, toy, '--flip')
    model = init_model(toy[0], toy[1], 'cpu')
    image = cv2.imread(str(Path(toy[2]) / 'sub/deep/b.jpg'))
    one, two = (
        inference_model(model, np.ascontiguousarray(view)).seg_logits.data.softmax(dim=0)
        for view in (image, image[:, ::-1])
    )
    probs = (one + two.flip(-1)) / 2
    label, confidence = maps(out, 'sub/deep/b')
    assert np.array_equal(label, probs.argmax(dim=0).numpy())
    assert np.abs(confidence - 255 * probs.amax(dim=0).numpy()).max() <= 0.51


def test_goes_on_where_it_was_cut_short(tool, toy, monkeypatch):
    """Killed after one image: that one is kept, what is half there is made anew, the end is the same."""
    whole = run(tool, toy)
    before = {name: maps(whole, name) for name in ('a', 'c', 'sub/deep/b')}
    (whole / 'masks/c.png').unlink()  # has a confidence but no mask: it does not count
    (whole / 'summary.json').unlink()
    made, write = [], pseudo_labeler.write_label
    monkeypatch.setattr(tool, 'write_label', lambda *args: (made.append(args[1]), write(*args)))
    run(tool, toy)
    assert made == ['c']
    assert (whole / 'summary.json').is_file()
    for name, both in before.items():
        assert all(np.array_equal(one, other) for one, other in zip(both, maps(whole, name)))


def test_labels_of_other_settings_are_not_mixed(tool, toy, tmp_path):
    run(tool, toy)
    with pytest.raises(UserError, match='another threshold. Give another folder'):
        run(tool, toy, '--threshold', 0.5)
    config = Config.fromfile(toy[0])
    other = str(save(MODELS.build(config.model), tmp_path / 'other.pth'))
    with pytest.raises(UserError, match='another checkpoint_sha256'):
        run(tool, [toy[0], other, *toy[2:]])
    (Path(toy[3]) / 'settings.json').unlink()
    with pytest.raises(UserError, match='unknown origin'):
        run(tool, toy)


def contents(folder):
    return {path: path.read_bytes() for path in Path(folder).rglob('*') if path.is_file()}


def draw_noise(path, seed, size=(24, 24)):
    cv2.imwrite(str(path), np.random.RandomState(seed).randint(0, 255, (*size, 3)).astype(np.uint8))


@pytest.mark.parametrize('suffix', ['png', 'bmp'])
def test_labels_of_other_images_are_not_taken(tool, toy, tmp_path, suffix):
    """Another folder with some of the names, also where all files have one size; nothing is written."""
    for number, folder in enumerate(('photos', 'more')):
        (tmp_path / folder).mkdir()
        draw_noise(tmp_path / folder / f'same.{suffix}', number)
        draw_noise(tmp_path / folder / f'{folder}.{suffix}', number)
    out = run(tool, [*toy[:2], str(tmp_path / 'photos'), toy[3]])
    before = contents(out)
    fix = r'of another image as same, which .*more/same.* Give another folder, or remove .*masks/same\.png'
    with pytest.raises(UserError, match=fix):
        run(tool, [*toy[:2], str(tmp_path / 'more'), toy[3]])
    assert contents(out) == before
    (out / 'masks/same.png').unlink()
    run(tool, [*toy[:2], str(tmp_path / 'more'), toy[3]])
    alone = run(tool, [*toy[:2], str(tmp_path / 'more'), str(tmp_path / 'alone')])
    for name in ('same', 'more'):
        assert np.array_equal(maps(out, name)[0], maps(alone, name)[0])


def test_moved_and_new_images_go_on(tool, toy, monkeypatch):
    """A copy of the data elsewhere is the same data; images that came since are labeled, the others kept."""
    run(tool, toy, '--shard', '1/2')
    moved = Path(toy[2]).rename(Path(toy[2]).with_name('moved'))
    for path in moved.rglob('*.*'):
        os.utime(path, (1, 1))
    draw_noise(moved / 'new.png', 5)
    made, write = [], pseudo_labeler.write_label
    monkeypatch.setattr(tool, 'write_label', lambda *args: (made.append(args[1]), write(*args)))
    run(tool, [*toy[:2], str(moved), toy[3]])
    assert sorted(made) == ['c', 'new']


def test_labels_of_another_test_pipeline_are_not_mixed(tool, toy):
    run(tool, toy)
    gray = 'test_dataloader.dataset.pipeline.0.color_type=grayscale'
    with pytest.raises(UserError, match='another pipeline_sha256. Give another folder'):
        run(tool, toy, '--cfg-options', gray)


def test_a_folder_of_an_earlier_version_goes_on(tool, toy, capsys):
    """It noted neither images nor pipeline; from now on both are known."""
    out = run(tool, toy)
    (out / 'images.json').unlink()
    settings = json.loads((out / 'settings.json').read_text())
    del settings['pipeline_sha256']
    (out / 'settings.json').write_text(json.dumps(settings))
    (out / 'masks/c.png').unlink()
    capsys.readouterr()
    run(tool, toy)
    said = capsys.readouterr().out
    assert '1 of 3 images to label' in said
    assert '2 labels' in said and 'earlier version' in said and 'give another folder if they are of others' in said
    draw_noise(Path(toy[2]) / 'a.png', 9)
    with pytest.raises(UserError, match='of another image as a, '):
        run(tool, toy)


def test_labels_go_into_no_folder_of_images(tool, toy, tmp_path):
    """OUT as IMAGES, in it, around it where masks go, and by a link."""
    images = Path(toy[2])
    before = contents(tmp_path)
    (tmp_path / 'link').symlink_to(images)
    (tmp_path / 'linked').mkdir()
    (tmp_path / 'linked/masks').symlink_to(images)
    for out in (images, images / 'labels', images / 'sub/../x', tmp_path / 'link', tmp_path / 'linked'):
        with pytest.raises(DatasetError, match='Give (a folder outside|another folder)'):
            run(tool, [*toy[:3], str(out)])
    inside = tmp_path / 'around/masks/deep'
    inside.mkdir(parents=True)
    (inside / 'a.png').write_bytes((images / 'a.png').read_bytes())
    with pytest.raises(DatasetError, match=r'deep lies in .*masks, where labels are written'):
        run(tool, [*toy[:2], str(inside), str(tmp_path / 'around')])
    assert {path: contents(tmp_path)[path] for path in before} == before
    assert len(contents(tmp_path)) == len(before) + 1


@pytest.mark.parametrize('name', ['../a', 'sub/../../a', '/etc/a', 'sub/..', 'c:/a', '..\\a'])
def test_an_id_never_leaves_the_folder(name, tmp_path):
    with pytest.raises(DatasetError, match='leads out of the folder of images'):
        label_path(tmp_path, 'masks', name)
    with pytest.raises(DatasetError, match='leads out of the folder of images'):
        write_label(tmp_path / 'out', name, OfflineLabel(np.zeros((2, 2), np.uint8), np.zeros((2, 2), np.uint8), 0.5))
    assert not list(tmp_path.rglob('*.*'))


@pytest.mark.parametrize('line', ['../a', '{root}/outside/a', 'sub/../../outside/a'])
def test_a_list_does_not_lead_out(tool, toy, tmp_path, line):
    (tmp_path / 'outside').mkdir()
    for folder in ('outside', '.'):
        (tmp_path / folder / 'a.png').write_bytes((Path(toy[2]) / 'a.png').read_bytes())
    (tmp_path / 'ids.txt').write_text(line.format(root=tmp_path) + '\n')
    with pytest.raises(DatasetError):
        run(tool, toy, '--list', tmp_path / 'ids.txt', '--suffix', '.png')
    assert not Path(toy[3]).exists()


def test_names_like_those_of_labels_keep_apart(tool, toy, tmp_path):
    """Images called like a confidence map, like a mask or with dots each have their own two files."""
    images = Path(toy[2])
    names = ['a', 'a_confidence', 'a.confidence', 'confidence/a', 'masks/a', 'a.png.b', 'settings', 'c.d']
    for number, name in enumerate(names[1:]):
        (images / name).parent.mkdir(exist_ok=True)
        picture = np.random.RandomState(number).randint(0, 255, (24, 24, 3)).astype(np.uint8)
        cv2.imwrite(f'{images / name}.png', picture)
    out = run(tool, toy, '--earlier', toy[1])
    alone = run(tool, [*toy[:3], str(tmp_path / 'alone')], '--batch-size', 1)
    for name in [*names, 'c', 'sub/deep/b']:
        assert all(np.array_equal(one, two) for one, two in zip(maps(out, name), maps(alone, name))), name
    assert len(list((out / 'masks').rglob('*.png'))) == len(list((out / 'confidence').rglob('*.png'))) == 10


def test_a_mask_is_not_the_folder_of_another_one(tool, toy):
    images = Path(toy[2])
    (images / 'c.png').rename(images / 'c.jpg')
    (images / 'c.png').mkdir()
    (images / 'a.png').rename(images / 'c.png/a.jpg')
    with pytest.raises(DatasetError, match=r'the mask of c is c\.png, which is the folder of c\.png/a'):
        run(tool, toy)


def test_a_run_that_never_began_binds_nobody(tool, toy, tmp_path):
    (tmp_path / 'bad.pth').write_bytes(b'no checkpoint')
    with pytest.raises(UnsafeCheckpointError):
        run(tool, [toy[0], str(tmp_path / 'bad.pth'), *toy[2:]])
    run(tool, toy)


def test_reliability_ranks_by_agreement(tool, toy, tmp_path):
    """The last checkpoint itself as an earlier one agrees wholly: 1; with another one beside it, the mean with that."""
    config = Config.fromfile(toy[0])
    torch.manual_seed(7)
    other = str(save(MODELS.build(config.model), tmp_path / 'iter_2.pth'))
    same = run(tool, toy, '--earlier', toy[1])
    assert [float(line.split('\t')[1]) for line in (same / 'reliability.txt').read_text().splitlines()] == [1.0] * 3
    out = run(tool, [*toy[:3], str(tmp_path / 'two')], '--earlier', other, toy[1])
    alone = run(tool, [toy[0], other, toy[2], str(tmp_path / 'alone')])
    expected = {}
    for name in ('a', 'c', 'sub/deep/b'):
        one, two = maps(alone, name)[0], maps(out, name)[0]
        present = [k for k in range(3) if ((one == k) | (two == k)).any()]
        ious = [((one == k) & (two == k)).sum() / ((one == k) | (two == k)).sum() for k in present]
        expected[name] = (np.mean(ious) + 1) / 2
    found = dict(line.split('\t') for line in (out / 'reliability.txt').read_text().splitlines())
    assert {name: float(score) for name, score in found.items()} == pytest.approx(expected, abs=1e-6)
    order = sorted(expected, key=expected.get, reverse=True)
    assert list(found) == order and (out / 'reliable.txt').read_text().split() == order[:2]


def test_mean_iou_by_hand():
    """Classes 0: 1 of 3; 1: 1 of 3; 2 occurs in neither and does not count."""
    one, two = torch.tensor([[0, 0, 1, 1]])[:, :4], torch.tensor([[0, 1, 1, 0]])
    assert pseudo_labeler.mean_iou(one, two, 3) == pytest.approx(1 / 3)
    assert pseudo_labeler.mean_iou(one, one, 3) == 1


def test_a_plain_mmseg_config(tool, toy, tmp_path):
    cfg = toy_model('Supervised')
    plain = dict(cfg['segmentor'], data_preprocessor=dict(cfg['data_preprocessor'], type='SegDataPreProcessor'))
    plain['data_preprocessor'].update(size=None, size_divisor=4)
    plain['data_preprocessor'].pop('size')
    pipeline = [dict(type='LoadImageFromFile'), dict(type='PackSegInputs')]
    config = dict(default_scope='mmseg', model=plain, test_pipeline=pipeline)
    path = write_config(tmp_path / 'plain.py', config)
    import toy_parts  # noqa: F401  (registers the backbone)

    checkpoint = save(MODELS.build(Config.fromfile(str(path)).model), tmp_path / 'plain.pth')
    arguments = [str(path), str(checkpoint), *toy[2:]]
    out = run(tool, arguments)
    result = inference_model(init_model(str(path), str(checkpoint), 'cpu'), str(Path(toy[2]) / 'a.png'))
    assert np.array_equal(maps(out, 'a')[0], result.pred_sem_seg.data[0].numpy())
    assert list(json.loads((out / 'summary.json').read_text())['classes']) == ['0', '1', '2']
    with pytest.raises(UserError, match="no network 'teacher'"):
        run(tool, arguments[:3] + [str(tmp_path / 'x')], '--predict-on', 'teacher')


def test_a_list_of_ids(tool, toy, tmp_path):
    (tmp_path / 'ids.txt').write_text('a\n')
    out = run(tool, toy, '--list', tmp_path / 'ids.txt', '--suffix', '.png')
    assert [path.name for path in (out / 'masks').rglob('*.png')] == ['a.png']


def test_errors_tell_the_fix(tool, toy, tmp_path):
    with pytest.raises(UserError, match='there is no checkpoint nowhere.pth'):
        run(tool, [toy[0], 'nowhere.pth', *toy[2:]])
    with pytest.raises(UserError, match=r"can predict_on \('student', 'teacher'\), got \['peer'\]"):
        run(tool, toy, '--predict-on', 'peer')
    with pytest.raises(UserError, match=r'probability in \[0, 1\], got 2.0'):
        run(tool, [*toy[:3], str(tmp_path / 'x')], '--threshold', 2)
    torch.save(dict(state_dict=dict(nothing=torch.zeros(1))), tmp_path / 'empty.pth')
    with pytest.raises(UserError, match='lacks .* weights .*, such as student.segmentor'):
        run(tool, [toy[0], str(tmp_path / 'empty.pth'), toy[2], str(tmp_path / 'y')])
    (Path(toy[2]) / 'a.jpg').write_bytes((Path(toy[2]) / 'sub/deep/b.jpg').read_bytes())
    with pytest.raises(DatasetError, match='two images have the id a'):
        run(tool, [*toy[:3], str(tmp_path / 'z')])


def test_a_checkpoint_with_code_is_refused(tool, toy, tmp_path):
    class Code:
        def __reduce__(self):
            return (Path(tmp_path / 'ran').touch, ())

    torch.save(dict(state_dict=Code()), tmp_path / 'bad.pth')
    with pytest.raises(Exception, match='refused, and nothing of it was run'):
        run(tool, [toy[0], str(tmp_path / 'bad.pth'), toy[2], str(tmp_path / 'x')])
    assert not (tmp_path / 'ran').exists()


@pytest.mark.parametrize('order', [(1, 2), (2, 1)])
def test_parts_on_several_machines(tool, toy, tmp_path, capsys, order):
    """Two parts share no image; the first to end waits for nobody, the last one sums up; as one run."""
    whole = run(tool, toy, '--earlier', toy[1])
    parts = [*toy[:3], str(tmp_path / 'parts')]
    out = run(tool, parts, '--shard', f'{order[0]}/2', '--earlier', toy[1])
    first = {path.relative_to(out) for path in out.rglob('*.png')}
    assert len(first) == {1: 4, 2: 2}[order[0]]  # of two maps per image
    assert 'of other parts' in capsys.readouterr().out and not (out / 'summary.json').exists()
    stamps = {path: (out / path).stat().st_mtime_ns for path in first}
    run(tool, parts, '--shard', f'{order[1]}/2', '--earlier', toy[1])
    assert {path: (out / path).stat().st_mtime_ns for path in first} == stamps  # nothing is made twice
    names = [path.relative_to(whole) for path in whole.rglob('*') if path.is_file()]
    assert sorted(names) == sorted(path.relative_to(out) for path in out.rglob('*') if path.is_file())
    for name in names:
        assert (whole / name).read_bytes() == (out / name).read_bytes(), name


def test_parts_with_other_settings_are_refused(tool, toy):
    run(tool, toy, '--shard', '1/2')
    with pytest.raises(UserError, match='another trust, trust_share'):
        run(tool, toy, '--shard', '2/2', '--trust', 'entropy', '--trust-share', 0.5)
    with pytest.raises(SystemExit):
        run(tool, toy, '--shard', '3/2')


def test_trust_by_entropy(tool, toy, tmp_path):
    """Half of every image, its pixels of the lowest entropy."""
    free = run(tool, toy)
    out = run(tool, [*toy[:3], str(tmp_path / 'half')], '--trust', 'entropy', '--trust-share', 0.5)
    model = init_model(toy[0], toy[1], 'cpu')
    for name, file in (('a', 'a.png'), ('sub/deep/b', 'sub/deep/b.jpg')):
        probs = inference_model(model, str(Path(toy[2]) / file)).seg_logits.data.softmax(dim=0)
        entropy = torch.special.entr(probs).sum(dim=0).numpy()
        label = maps(out, name)[0]
        assert (label != 255).sum() == label.size // 2
        assert entropy[label != 255].max() <= entropy[label == 255].min()
        assert np.array_equal(label[label != 255], maps(free, name)[0][label != 255])
    energy = run(tool, [*toy[:3], str(tmp_path / 'energy')], '--trust', 'energy', '--trust-threshold', '-1000000')
    assert (maps(energy, 'a')[0] == 255).all()


def test_trust_joins_threshold_and_flip(tool, toy, tmp_path):
    """A pixel needs the mean confidence of both mirror images, and to be trusted in the image as it is."""
    (tmp_path / 'ids.txt').write_text('a\n')
    line = ['--flip', '--list', tmp_path / 'ids.txt', '--suffix', '.png']
    labels, confidence = maps(run(tool, [*toy[:3], str(tmp_path / 'free')], *line), 'a')
    threshold = (np.median(confidence) + 0.5) / 255  # between two values of a file
    trust = ['--threshold', threshold, '--trust', 'entropy', '--trust-share', 0.5]
    label, _ = maps(run(tool, toy, *line, *trust), 'a')
    logits = inference_model(init_model(toy[0], toy[1], 'cpu'), str(Path(toy[2]) / 'a.png')).seg_logits.data
    entropy = torch.special.entr(logits.softmax(dim=0)).sum(dim=0).numpy()
    sure, trusted = confidence / 255 >= threshold, entropy <= np.sort(entropy.ravel())[entropy.size // 2 - 1]
    assert np.array_equal(label, np.where(sure & trusted, labels, 255))
    assert (sure & ~trusted).any() and (trusted & ~sure).any() and (sure & trusted).any()


def test_trust_in_one_channel_by_hand():
    """A network of two classes in one channel gives the probability of the second, 1/2 and 3/4: log-odds 0 and ln 3,
    half of them for each class, so that their exponentials have the sums 2 and 3 ** 0.5 + 3 ** -0.5.
    """
    result = SegDataSample(seg_logits=PixelData(data=torch.tensor([[[0.5, 0.75]]])))
    expected = dict(
        confidence=[0.5, 0.75], entropy=[1.0, 2 - 0.75 * np.log2(3)], energy=[-np.log(2), -np.log(4 / 3**0.5)]
    )
    for rule, values in expected.items():
        found = read_maps(result, TrustRule(rule, share=0.5))
        assert found.trust.flatten().tolist() == pytest.approx(values, abs=1e-5)
        assert found.probs.flatten(1).tolist() == [pytest.approx([0.5, 0.25]), pytest.approx([0.5, 0.75])]


def test_trust_in_what_the_network_predicts(tool, toy, tmp_path):
    """A variance head of any method, and ELN's localizer; a network without them is refused."""
    with pytest.raises(UserError, match='needs a side head of this name; the MeanTeacher has none'):
        run(tool, toy, '--trust', 'variance', '--trust-share', 0.5)
    with pytest.raises(UserError, match=r'trains one \(ELN\), the config has MeanTeacher'):
        run(tool, toy, '--trust', 'localizer', '--trust-share', 0.5)
    with pytest.raises(UserError, match='--trust says by what'):
        run(tool, toy, '--trust-share', 0.5)
    config = Config.fromfile(toy[0]).to_dict()
    kinds = dict(
        variance=toy_model('MeanTeacher', side_heads=dict(variance=dict(type='VarianceHead'))),
        localizer=toy_model('ELN', localizer=toy_localizer()),
    )
    for rule, model in kinds.items():
        path = write_config(tmp_path / f'{rule}.py', dict(config, model=model))
        checkpoint = str(save(MODELS.build(Config.fromfile(str(path)).model), tmp_path / f'{rule}.pth'))
        line = [str(path), checkpoint, toy[2], str(tmp_path / rule)]
        out = run(tool, line, '--trust', rule, '--trust-share', 0.25)
        network = init_model(str(path), checkpoint, 'cpu')
        network.predict_correctness = True
        result = inference_model(network, str(Path(toy[2]) / 'a.png'))
        values = (result.variance if rule == 'variance' else result.correctness).data[0].numpy()
        kept = maps(out, 'a')[0] != 255
        assert kept.sum() >= 144
        doubt = values if rule == 'variance' else -values
        assert doubt[kept].max() <= doubt[~kept].min()
