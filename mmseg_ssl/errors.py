"""Errors that a user can fix: each message names the file or setting, and the fix. Tools show only the message."""


class UserError(Exception):
    """An error that the user can fix; tools show its message without a traceback."""


class DatasetError(ValueError):
    """Something is wrong with the data or their config; the message names the file and the fix."""


class NetworkError(ValueError):
    """The segmentor of a config cannot be trained by these methods; the message says what to write instead."""


class UnsafeFileError(RuntimeError):
    """A file asks to run code; nothing of it was run."""


class UnsafeCheckpointError(UnsafeFileError):
    """A checkpoint asks for a type that is not on the allow-list, or is damaged; nothing of it was run."""
