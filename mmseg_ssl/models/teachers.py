"""Teachers of a student: its own moving average, or a trained network of another kind."""

from typing import Any, Optional, Union

from .branch import Branch
from .ema_teacher import EMATeacher
from .frozen_teacher import FrozenTeacher

Teacher = Union[EMATeacher, FrozenTeacher]


def build_teacher(student: Branch, preprocessor: Any, options: Optional[dict] = None, **average: Any) -> Teacher:
    """Build the teacher that the option ``teacher`` of a method describes.

    Args:
        student: The branch that learns.
        preprocessor: The student's.
        options: With a ``segmentor``, those of :class:`FrozenTeacher`; else of :class:`EMATeacher`.
        **average: The method's own options of :class:`EMATeacher`.
    """
    if options and 'segmentor' in options:
        return FrozenTeacher(student, preprocessor, **options)
    return EMATeacher(student, **dict(average, **(options or {})))


def build_labeler(
    student: Branch, preprocessor: Any, options: Optional[dict], mode: str = 'eval'
) -> Optional[FrozenTeacher]:
    """Build the teacher of a method whose student labels for itself otherwise.

    Args:
        student: The branch that learns.
        preprocessor: The student's.
        options: Of :class:`FrozenTeacher`; None: no teacher.
        mode: The method's ``teacher_mode``, that of a student that labels.

    Raises:
        ValueError: The options are of no trained network, or a trained network should label in train mode.
    """
    if not options:
        return None
    if 'segmentor' not in options:
        raise ValueError(
            'This method has no moving average: its teacher is a trained network, teacher=dict(segmentor=..., '
            f'checkpoint=...), got {sorted(options)}.'
        )
    if mode == 'train':
        raise ValueError("teacher_mode='train' is of a student that labels; a trained teacher labels in eval mode.")
    return FrozenTeacher(student, preprocessor, **options)
