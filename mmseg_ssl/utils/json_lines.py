"""Files of one JSON value per line, to which a running process adds lines."""

import json
from pathlib import Path
from typing import Any, List


def read_json_lines(path: Path) -> List[Any]:
    """Read the objects of a file in their order.

    Args:
        path: The file; a missing one has no lines.

    Returns:
        One value per complete line: one that is cut off, because its process was killed or is writing, is left out.
    """
    lines = path.read_text(encoding='utf-8').splitlines() if path.is_file() else []
    return [json.loads(line) for line in lines if line.endswith('}')]
