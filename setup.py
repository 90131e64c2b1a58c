"""Installs mmseg_ssl; the host comes with one of the extras, because the two stacks overwrite each other."""

import runpy
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

root = Path(__file__).parent
# pages are tried in a Chromium of the system, which playwright drives; without one, their tests are skipped
tests = ['mypy', 'playwright', 'pytest>=7', 'pytest-cov', 'pytest-timeout', 'pytest-xdist', 'ruff']


class BuildWithMim(build_py):
    """Puts configs and tools where OpenMMLab's mim and ``mmseg_ssl::`` look for them: into ``mmseg_ssl/.mim``.

    An editable installation gets links, so that they are those of the checkout.
    """

    def run(self) -> None:
        """Build the package, then add the files."""
        super().run()
        mim = (root if self.editable_mode else Path(self.build_lib)) / 'mmseg_ssl' / '.mim'
        shutil.rmtree(mim, ignore_errors=True)  # of an earlier build, which had other files
        mim.mkdir(parents=True)
        for name in ('configs', 'tools', 'model-index.yml'):
            if self.editable_mode:
                (mim / name).symlink_to(Path('..', '..', name))
            elif (root / name).is_dir():
                shutil.copytree(root / name, mim / name, ignore=shutil.ignore_patterns('__pycache__'))
            else:
                shutil.copy(root / name, mim / name)


setup(
    name='mmseg_ssl',
    version=runpy.run_path(str(root / 'mmseg_ssl' / 'version.py'))['__version__'],
    description='Semi-supervised semantic segmentation for mmsegmentation 1.x',
    long_description=(root / 'README.md').read_text(encoding='utf-8'),
    long_description_content_type='text/markdown',
    license='Apache-2.0',
    packages=find_packages(include=['mmseg_ssl', 'mmseg_ssl.*']),
    package_data={'mmseg_ssl': ['py.typed', 'tooling/templates/*']},
    cmdclass={'build_py': BuildWithMim},
    entry_points={'console_scripts': ['mmseg-ssl = mmseg_ssl.tooling.commands:main']},
    python_requires='>=3.10,<3.13',
    # scipy: shortest paths, along which tools/make_scribbles.py draws
    # rich: progress and tables in a terminal
    # jinja2 and matplotlib, which torch and mmengine bring along: the pages of tools/report.py and tools/serve.py
    install_requires=['torch>=2.1', 'jinja2>=3', 'matplotlib>=3.6', 'numpy', 'pillow', 'rich>=12', 'scipy'],
    extras_require={
        # mmsegmentation 1.2.2 itself refuses mmcv >= 2.2.0; full mmcv is welcome in place of mmcv-lite.
        # numpy < 2: these releases were made for NumPy 1.
        'openmmlab': [
            'mmsegmentation>=1.2.2,<1.3',
            'mmengine>=0.10.4,<0.11',
            'mmcv-lite>=2.0.0rc4,<2.2.0',
            'numpy<2',
            'ftfy',
            'regex',
        ],
        'onedl': ['onedl-mmsegmentation>=1.3,<2', 'onedl-mmengine>=0.10.8,<0.11', 'onedl-mmcv>=2.3,<3'],
        # minimum cuts, for HardSelfLabeling alone; under the GPL, so it is never installed unasked
        'graphcut': ['PyMaxflow>=1.3'],
        # HuggingFaceBackbone: DINOv2, DINOv3, SigLIP2
        'hf': ['transformers>=5'],
        # tools/export_segmentor.py --format onnx: the first adds the metadata, the second compares
        'onnx': ['onnx>=1.16', 'onnxruntime>=1.18'],
        'test': tests,
    },
)
