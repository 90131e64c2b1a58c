"""Errors that a user can mend: each message names the file or the setting, and the fix. Tools show them in one line."""


class UserError(Exception):
    """Something that the user can mend: its message is shown without a traceback."""


class DatasetError(ValueError):
    """Something is wrong with the data or its config; the message names the file and the fix."""


class NetworkError(ValueError):
    """The segmentor of a config cannot be trained here; the message says what to write instead."""


class UnsafeFileError(RuntimeError):
    """A file asks for more than its values; nothing of it was run."""


class UnsafeCheckpointError(UnsafeFileError):
    """A checkpoint asks for something that is not on the allow-list, or is damaged; nothing of it was run."""
