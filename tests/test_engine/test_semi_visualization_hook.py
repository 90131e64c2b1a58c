"""Pictures of predictions lie where their images lie."""

from types import SimpleNamespace

import numpy as np
import torch
from mmengine.structures import PixelData
from mmseg.structures import SegDataSample
from mmseg.visualization import SegLocalVisualizer
from PIL import Image

from mmseg_ssl.engine import SemiVisualizationHook


class Images(list):
    """As much of a dataset as names of pictures need."""

    get_data_info = list.__getitem__


def predicted(path: str) -> SegDataSample:
    label = PixelData(data=torch.zeros(1, 8, 8, dtype=torch.long))
    return SegDataSample(metainfo=dict(img_path=path), pred_sem_seg=label)


def test_two_images_of_one_name_have_two_pictures(tmp_path):
    """The host's hook writes both to test_0.png, one over the other."""
    images = tmp_path / 'images'
    paths = [str(images / folder / '0.png') for folder in ('a', 'b')]
    for path in paths:
        (images / path).parent.mkdir(parents=True)
        Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(path)
    visualizer = SegLocalVisualizer.get_instance(
        'pictures', vis_backends=[dict(type='LocalVisBackend')], save_dir=str(tmp_path)
    )
    visualizer.dataset_meta = dict(classes=('ground', 'wall'), palette=[[0, 0, 0], [128, 0, 0]])
    loader = SimpleNamespace(dataset=Images(dict(img_path=path) for path in paths))
    runner = SimpleNamespace(iter=7, visualizer=visualizer, val_dataloader=loader, test_dataloader=loader)
    hook = SemiVisualizationHook(draw=True, interval=2)

    hook.before_test(runner)
    hook.after_test_iter(runner, 0, outputs=[predicted(path) for path in paths])  # not its turn, which is every second
    hook.after_test_iter(runner, 1, outputs=[predicted(path) for path in paths])
    hook.before_val(runner)
    hook.after_val_iter(runner, 1, outputs=[predicted(paths[0])])

    written = sorted(str(file.relative_to(tmp_path / 'vis_data/vis_image')) for file in tmp_path.rglob('*_7.png'))
    assert written == ['a/test_0.png_7.png', 'a/val_0.png_7.png', 'b/test_0.png_7.png']
