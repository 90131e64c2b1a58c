"""A project from a folder of images and masks: lists, configs with their reasons, and a page about the data."""

from .class_names import read_names
from .machine import this_machine
from .page import page_text, summary
from .project import Inputs, Project, look_and_decide
from .write import refuse_existing, write_project

__all__ = [
    'Inputs',
    'Project',
    'look_and_decide',
    'page_text',
    'read_names',
    'refuse_existing',
    'summary',
    'this_machine',
    'write_project',
]
