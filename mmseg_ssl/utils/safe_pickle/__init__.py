"""Reads pickles as data: anything that would run code is refused before it runs."""

from .checks import StorageKind, require
from .unpickler import ExactFile, SafeUnpickler

__all__ = ['ExactFile', 'SafeUnpickler', 'StorageKind', 'require']
