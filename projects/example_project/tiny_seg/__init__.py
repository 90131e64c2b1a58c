"""The other project's package: its own network, registered in mmseg's registry as ever."""

from .tiny_net import TinyNet

__all__ = ['TinyNet']
