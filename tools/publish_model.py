"""Strip a checkpoint to what others need, and put the hash of the file into its name.

python tools/publish_model.py work_dirs/my_config/iter_4000.pth published/my_model.pth

writes published/my_model-<first 8 digits of its SHA-256>.pth: the weights of all networks with classes and colors,
without optimizer, logs and the config with its local paths. It loads with ``torch.load(weights_only=True)``.
"""

import argparse
import sys
from pathlib import Path
from typing import Any, Dict, List, Optional

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # the mmseg_ssl beside this file, installed or not

import torch  # noqa: E402

from mmseg_ssl import __version__  # noqa: E402
from mmseg_ssl.apis.classes import plain_meta  # noqa: E402
from mmseg_ssl.tooling.cli import UserError, add_debug_option, readable_errors  # noqa: E402
from mmseg_ssl.utils.file_digest import sha256_of  # noqa: E402
from mmseg_ssl.utils.safe_load import load_weights_only  # noqa: E402


def published(checkpoint: Dict[str, Any], path: Path) -> Dict[str, Any]:
    """Return the content of the new file: tensors, numbers and text.

    Args:
        checkpoint: Content of the old one.
        path: The old file, for the message.

    Raises:
        UserError: It has no weights.
    """
    weights = checkpoint.get('state_dict')
    if not isinstance(weights, dict) or not weights:
        raise UserError(f'{path} has no state_dict: it is not the checkpoint of a training.')
    known = checkpoint.get('meta') or {}
    meta: Dict[str, Any] = dict(mmseg_ssl=__version__, **{key: known[key] for key in ('iter', 'epoch') if key in known})
    meta['dataset_meta'] = plain_meta(known.get('dataset_meta') or {})
    state = {str(key): value.contiguous().cpu() for key, value in weights.items() if isinstance(value, torch.Tensor)}
    return dict(state_dict=state, meta=meta)


def main(argv: Optional[List[str]] = None) -> Path:
    """Write the file, and return its path."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('checkpoint', type=Path, help='checkpoint of a training')
    parser.add_argument('out', type=Path, help='new file, which gets the hash behind its name')
    add_debug_option(parser)
    args = parser.parse_args(argv)
    if not args.checkpoint.is_file():
        raise UserError(f'there is no checkpoint {args.checkpoint}.')
    content = published(load_weights_only(str(args.checkpoint), 'cpu'), args.checkpoint)
    args.out.parent.mkdir(parents=True, exist_ok=True)
    draft = args.out.with_suffix('.pth.partial')
    torch.save(content, draft)
    final = args.out.with_name(f'{args.out.stem}-{sha256_of(draft)[:8]}.pth')
    draft.replace(final)
    print(f'{final}: {final.stat().st_size / 2**20:.1f} MB of {args.checkpoint.stat().st_size / 2**20:.1f} MB')
    return final


if __name__ == '__main__':
    with readable_errors():
        main()
