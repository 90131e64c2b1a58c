"""The local web page of a trained network: an image goes in, its mask and its doubt come out."""

from .server import PredictionServer, ServerLimits, open_server

__all__ = ['PredictionServer', 'ServerLimits', 'open_server']
