"""The one error that bad data raises."""


class DatasetError(ValueError):
    """Something is wrong with the data or its config; the message names the file and the fix."""
