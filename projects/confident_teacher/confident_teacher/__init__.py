"""The worked example of CONTRIBUTING.md: a method of its own, outside the package."""

from .confident_teacher import ConfidentTeacher

__all__ = ['ConfidentTeacher']
