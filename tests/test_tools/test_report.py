"""The report of runs: its numbers, what it does with what is missing, and the page in a browser."""

import html
import json
import re
import shutil

import numpy as np
import pytest
import torch
from browser import open_page, require_readable
from logged_run import write_logged_run
from mmengine.config import Config
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample

from mmseg_ssl.evaluation import SemiIoUMetric
from mmseg_ssl.tooling.cli import UserError
from mmseg_ssl.tooling.html_pages import write_page
from mmseg_ssl.tooling.report import charts
from mmseg_ssl.tooling.report.example_images import blend, choose_examples, mistakes
from mmseg_ssl.tooling.report.page import unique_names
from mmseg_ssl.tooling.report.run_content import curves_of, read_run
from mmseg_ssl.tooling.report.scored_images import ScoredImage, class_ious, score_images
from mmseg_ssl.tooling.report.taught_curves import ALL_CLASSES, is_taught, quality_was_logged, taught_groups
from mmseg_ssl.tooling.report.taught_quality import quality_of
from mmseg_ssl.tooling.unlabeled_images import LIST


@pytest.fixture(scope='module')
def run(tmp_path_factory):
    return write_logged_run(tmp_path_factory.mktemp('runs') / 'mine')


@pytest.fixture(scope='module')
def page(run, tool):
    tool.main([str(run), '--examples', '2', '--device', 'cpu'])
    return (run / 'report.html').read_text()


class Planted:
    """A network that answers with planted predictions, and is sure of all but the last pixel."""

    classes = ('sky', 'road', 'car')

    def __init__(self, preds):
        self.preds, self.model = preds, self

    def parameters(self):
        return iter([torch.zeros(1)])

    def test_step(self, batch):
        sample = batch['data_samples'][0]
        pred = torch.tensor(self.preds[sample.number])[None]
        logits = 9.0 * torch.nn.functional.one_hot(pred, 3).permute(0, 3, 1, 2)
        logits[..., -1, -1] *= 0.01
        sample.set_data(dict(pred_sem_seg=PixelData(data=pred), seg_logits=PixelData(data=logits[0])))
        return [sample]


def planted(labels):
    samples = []
    for number, label in enumerate(labels):
        meta = dict(number=number, img_path=f'{number}.png')
        sample = SegDataSample(metainfo=meta, gt_sem_seg=PixelData(data=torch.tensor(label)[None]))
        samples.append(dict(inputs=torch.zeros(3, 2, 2), data_samples=sample))
    return samples


def test_scores_of_planted_predictions():
    """Image 0: sky right twice, road taken for car, one pixel without a label. Image 1: all right.

    Together: sky 3 of 3; road hit 3, missed 1: 3/4; car predicted once, labeled never: 0/1. Image 0: (1 + 0 + 0) / 3.
    """
    labels, preds = [[[0, 0], [1, 255]], [[0, 1], [1, 1]]], [[[0, 0], [2, 0]], [[0, 1], [1, 1]]]
    scores = score_images(Planted(preds), planted(labels), 'val')
    assert scores.confusion.tolist() == [[3, 0, 0], [0, 3, 1], [0, 0, 0]]
    assert scores.ious().tolist() == [1.0, 0.75, 0.0]
    first, second = scores.images
    assert first.iou == pytest.approx(1 / 3) and second.iou == 1.0
    assert (first.confused, second.confused) == ('road taken for car: 33.3 % of the pixels', '')
    assert scores.calibration[0].sum() == 7 and scores.calibration[1].sum() == 6  # labeled pixels, and right ones
    assert scores.ranked['confidence'].sum(axis=1).tolist() == [1, 6]


def test_a_limit_spreads_evenly():
    labels = [[[0, 0], [0, 0]]] * 10
    scores = score_images(Planted(labels), planted(labels), 'val', limit=4)
    assert [one.place for one in scores.images] == [0, 2, 5, 7] and scores.available == 10


def test_the_iou_is_that_of_the_host():
    """An absent class counts for neither."""
    rng, metric = np.random.RandomState(0), SemiIoUMetric()
    label, pred = rng.randint(0, 4, (9, 9)), rng.randint(0, 3, (9, 9))
    metric.dataset_meta = dict(classes=list('abcde'))
    sample = dict(pred_sem_seg=dict(data=torch.tensor(pred)), gt_sem_seg=dict(data=torch.tensor(label)), img_path='a')
    metric.process({}, [sample])
    host = metric.compute_metrics(metric.results)
    confusion = np.bincount(5 * label.ravel() + pred.ravel(), minlength=25).reshape(5, 5)
    ious = class_ious(confusion)
    assert np.isnan(ious[4]) and np.round(100 * ious[:4], 2).tolist() == [host[f'IoU.{name}'] for name in 'abcd']


def test_examples_are_the_extremes_and_never_twice():
    values = (0.5, 0.1, float('nan'), 0.9, 0.3)
    scores = type('S', (), dict(images=[ScoredImage(place, str(place), iou, '') for place, iou in enumerate(values)]))
    worst, best = choose_examples(scores, 3)
    assert [one.place for one in worst] == [1, 4] and [one.place for one in best] == [3, 0]
    assert choose_examples(scores, 0) == ([], [])


def test_pictures_of_masks():
    palette = np.uint8([[0, 0, 0], [100, 100, 100]])
    assert blend(np.full((1, 3, 3), 200, np.uint8), np.uint8([[0, 1, 255]]), palette)[0, :, 0].tolist() == [
        80,
        140,
        200,
    ]
    red, gray, white = mistakes(np.array([[0, 1, 255]]), np.array([[1, 1, 1]]), 2)[0].tolist()
    assert red[0] > 200 > red[1] and gray[0] == 226 and white == [255, 255, 255]


def test_a_resumed_run_has_each_step_once():
    """The process after a kill logged steps 2 and 3 again."""
    logged = [dict(step=1, loss=9.0), dict(step=3, loss=8.0), dict(step=2, loss=7.0), dict(step=3, loss=6.0, time=1.0)]
    logged.append(dict(step=4, loss=float('nan')))
    assert curves_of(logged) == dict(loss=[(1, 9.0), (2, 7.0), (3, 6.0)])


@pytest.mark.parametrize(
    'key', ['unsup.kept', 'kept', 'student.unsup.confidence', 'localizer.wrong', 'unsup.right.sky']
)
def test_what_is_taught(key):
    assert is_taught(key, [(1, 0.5)])
    assert not is_taught(key, [(1, 50.0)]) and not is_taught(f'{key}.loss_x', [(1, 0.5)])
    assert not is_taught('lr', [(1, 0.1)]) and not is_taught('sup.acc_seg', [(1, 0.9)])


def test_what_is_taught_by_class_has_its_own_drawing():
    """A class may have dots in its name, and two networks are taught different pixels."""
    keys = ('taught.share.a.b', 'taught.accuracy.a.b', 'peer.taught.share.a.b', 'unsup.kept', 'taught.share')
    groups = taught_groups({key: [(1, 0.5)] for key in keys})
    assert [list(group) for group in groups.values()] == [['unsup.kept', 'taught.share'], ['a.b'], ['a.b'], ['a.b']]
    assert next(iter(groups)) == ALL_CLASSES and any('(peer)' in title for title in groups)
    assert quality_was_logged({'peer.taught.accuracy': []}) and not quality_was_logged({'taught.share': []})


def test_what_eln_logs_of_labeled_images_is_no_pseudo_label():
    """Its localizer's errors and the images that teach its decoders are counted on ground truth."""
    keys = ('decoder_0.taught', 'localizer.wrong', 'taught.share.sky', 'unsup.kept', 'peer.taught')
    groups = list(taught_groups({key: [(1, 0.5)] for key in keys}).values())
    assert list(map(list, groups)) == [['unsup.kept', 'peer.taught'], ['decoder_0.taught', 'localizer.wrong'], ['sky']]


def drawn_axes(monkeypatch, curves):
    """Return the axes of a drawing of curves."""
    monkeypatch.setattr(charts, '_saved', lambda figure: figure)
    return charts.curve_chart(curves, 'share').axes[0]


def test_curves_that_hide_each_other_are_drawn_once(monkeypatch):
    """ELN keeps what it teaches, with weight 1: three names of one line."""
    points = [(50, 0.59281), (100, 0.65)]
    curves = {'unsup.kept': points, 'taught.share': [(50, 0.59279), (100, 0.65)], 'other': [(50, 0.59), (100, 0.65)]}
    lines = drawn_axes(monkeypatch, dict(curves, late=points[1:])).lines
    assert [line.get_label() for line in lines] == ['unsup.kept = taught.share', 'other', 'late']
    alone = drawn_axes(monkeypatch, dict(a=points, b=points))
    assert [text.get_text() for text in alone.figure.legends[0].texts] == ['a = b']


def test_a_single_validation_is_inside_the_drawing(monkeypatch):
    """A point at the upper edge would be cut in half."""
    axes = drawn_axes(monkeypatch, dict(student=[(600, 46.3)], teacher=[(600, 46.5)]))
    assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > 48 and axes.get_xlim()[0] == 0


def test_names_tell_runs_apart(tmp_path):
    one, two, three = tmp_path / 'a/run', tmp_path / 'b/run', tmp_path / 'b/other'
    assert unique_names([one, three]) == ['run', 'other']
    assert unique_names([one, two]) == ['a/run', 'b/run']
    assert unique_names([one, one]) == ['run (1)', 'run (2)']


def test_the_page_has_the_numbers_of_the_run(page):
    """Of the log: 400 ms a step and at most 106 MB; of data.json: 3 labeled; the user's text is escaped."""
    text = re.sub(r'<[^>]+>', ' ', page)
    for said in ('400 ms', '106 MB', '3 of 9', 'CPU (AVX2), PyTorch 2.13.0+cpu', '5 val images', 'variance', 'energy'):
        assert said in text, said
    assert '&lt;b&gt;car&lt;/b&gt; is in 1 of 3' in page and '<b>car' not in page
    assert 'FileClient' not in text


def test_the_page_loads_nothing(page):
    """Every source is inside; the policy forbids all else, scripts too."""
    sources = re.findall(r'(?:src|href)="([^"]*)"', page)
    assert len(sources) > 20 and all(source.startswith(('data:', '#')) for source in sources)
    assert "default-src 'none'" in page and '<script' not in page and 'url(' not in page


def test_several_runs_share_a_page(run, tool, tmp_path, capsys):
    other = write_logged_run(tmp_path / 'other', images=3, method='Supervised')
    out = tmp_path / 'both.html'
    tool.main([str(run), str(other), '--out', str(out), '--examples', '1', '--device', 'cpu'])
    page = out.read_text()
    assert page.count('<section id="run') == 2 and '2 runs compared' in page
    assert re.search(r'<a href="#run1">other</a>', page)


def test_missing_images_are_named_with_the_command(run, tool, tmp_path, capsys):
    """The curves are there; what needs images is not, and the page says what to do."""
    moved = tmp_path / 'my run'
    shutil.copytree(run, moved)
    config = Config.fromfile(str(moved / 'tiny_mine.py'))
    config.val_dataloader.dataset.data_root = str(tmp_path / 'nowhere')
    config.dump(str(moved / 'tiny_mine.py'))
    for log in moved.glob('*/vis_data/scalars.json'):
        log.unlink()
    (moved / 'report.html').unlink(missing_ok=True)
    tool.main([str(moved), '--device', 'cpu'])
    page, said = (moved / 'report.html').read_text(), capsys.readouterr().out
    assert 'nowhere' in page and f"mmseg-ssl check '{moved}/tiny_mine.py'" in html.unescape(page)
    assert 'not on the page: Curves, speed and memory' in said and 'class="matrix"' not in page


def logged_at(run, place, lines, **hooks):
    """Copy a run, with other lines in its log, and another logger."""
    shutil.copytree(run, place)
    (place / 'report.html').unlink(missing_ok=True)
    (place / 'last_checkpoint').unlink()  # it names the copied one
    (log,) = place.glob('*/vis_data/scalars.json')
    log.write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    config = Config.fromfile(str(place / 'tiny_mine.py'))
    config.default_hooks = hooks
    config.dump(str(place / 'tiny_mine.py'))
    return place


def add_log(run, time, *lines, device='AVX2', **files):
    """Leave a log folder as a later process in a run's folder does."""
    place = run / time
    (place / 'vis_data').mkdir(parents=True)
    (place / 'vis_data/scalars.json').write_text(''.join(f'{json.dumps(line)}\n' for line in lines))
    (place / f'{time}.log').write_text(f'CPU capability usage: {device}\nPyTorch: 9\n')
    for name, text in files.items():
        (place / f'{name}.json').write_text(text)


def test_the_curves_are_those_of_the_last_training(run, tmp_path):
    """Not of a test in its folder, nor of the training before it, whose checkpoints it has overwritten; a process that
    resumed goes on with the curve.
    """
    place = tmp_path / 'again'
    shutil.copytree(run, place)
    first = [(3, 30.0), (6, 40.0)]
    add_log(place, '20261128_080000', dict(step=0, mIoU=1.0), device='TEST', **{'20261128_080000': '{}'})
    assert read_run(str(place)).validation['mIoU'] == first
    assert 'AVX2' in read_run(str(place)).hardware
    add_log(place, '20261129_080000', dict(step=9, mIoU=50.0), data='{}')
    settings = place / '20261129_080000/vis_data/config.py'
    settings.write_text('resume = True\n')
    assert read_run(str(place)).validation['mIoU'] == [*first, (9, 50.0)]
    settings.write_text('resume = False\n')
    assert read_run(str(place)).validation['mIoU'] == [(9, 50.0)]


def test_quality_is_that_of_the_last_training(run, tmp_path):
    """A test of the unlabeled images from before it scored a checkpoint that is gone."""
    place = tmp_path / 'mine'
    shutil.copytree(run, place)
    tested = tmp_path / 'mine_on-unlabeled'
    for time, score in (('20261126_080000', 11.0), ('20261128_080000', 33.0)):
        assert quality_of(place, place / 'iter_6.pth') is None
        add_log(tested, time, **{time: json.dumps(dict(mIoU=score))})
        (tested / LIST).write_text('')
        (tested / time / 'vis_data/config.py').write_text("load_from = 'old/iter_6.pth'\n")
    assert quality_of(place, place / 'iter_6.pth') == dict(mIoU=33.0)


def test_a_run_shorter_than_the_interval_of_its_log(run, tool, tmp_path, capsys):
    """Six iterations, and a line every 50: the logs are there, and so is the page with the validation."""
    short = logged_at(run, tmp_path / 'short', [dict(step=6, mIoU=40.0)], logger=dict(interval=50))
    tool.main([str(short), '--device', 'cpu'])
    page, said = (short / 'report.html').read_text(), capsys.readouterr().out
    assert 'the run logged no iteration: it has 6, and is shorter than the interval of its log, 50' in said
    assert 'default_hooks.logger.interval=1' in page and 'no logs' not in page + said
    assert 'mIoU on the validation images' in page and 'class="matrix"' in page and 'never validated' not in page
    # an interval that the run reached: lines are lost, and nothing is known of validations
    bare = logged_at(run, tmp_path / 'bare', [], logger=dict(interval=5))
    tool.main([str(bare), '--device', 'cpu'])
    said = capsys.readouterr().out
    assert 'the folder has no logs' in said and 'never validated' not in said


def test_what_is_no_run_is_refused(run, tool, tmp_path):
    with pytest.raises(UserError, match='no run .*none'):
        tool.main([str(run), str(tmp_path / 'none')])
    with pytest.raises(UserError, match='no config'):
        tool.main([str(tmp_path)])
    for name in ('tiny_mine.py', 'last_checkpoint'):
        shutil.copy(run / name, tmp_path)
    (tmp_path / 'last_checkpoint').write_text('iter_9.pth')
    with pytest.raises(UserError, match='no complete checkpoint'):
        tool.main([str(tmp_path)])


def test_no_other_file_is_replaced(tool, tmp_path, run, monkeypatch):
    mine = tmp_path / 'mine.html'
    mine.write_text('<html>my own page</html>')
    with pytest.raises(UserError, match='no page of mmseg_ssl'):
        write_page(mine, 'x')
    monkeypatch.setattr(tool, 'look_at', None)  # it is said before anything is scored
    with pytest.raises(UserError, match='no page of mmseg_ssl'):
        tool.main([str(run), '--out', str(mine)])
    assert mine.read_text() == '<html>my own page</html>'


@pytest.mark.slow
@pytest.mark.parametrize('width', [1280, 390])
def test_the_page_in_a_browser(page, run, width):
    """No error, every picture is shown, nothing sticks out, and a phone needs no sideways scrolling."""
    with open_page((run / 'report.html').as_uri(), width) as shown:
        require_readable(shown)
        assert shown.locator('img').count() > 20
        shown.locator('summary').click()
        assert shown.get_by_text('val_dataloader').first.is_visible()
        require_readable(shown)
