"""Encoders of other libraries."""

from .hugging_face import HuggingFaceBackbone

__all__ = ['HuggingFaceBackbone']
