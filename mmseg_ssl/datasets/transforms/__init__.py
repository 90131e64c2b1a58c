from .formatting import PackSemiInputs

__all__ = ['PackSemiInputs']
