"""Marks by which a file is told from another one of its name."""

import os

from mmseg_ssl.utils.file_digest import PART, file_marks


def test_marks_tell_files_of_one_size_apart(tmp_path):
    """By the beginning, where a viewer turns a photo, and by the middle, where uncompressed images differ."""
    path = tmp_path / 'a.bmp'

    def mark(size, place=None):
        content = bytearray(size)
        if place is not None:
            content[place] = 1
        path.write_bytes(content)
        return file_marks([path])[str(path)]

    long = 10 * PART
    assert len({mark(long), mark(long + 1), mark(long, 0), mark(long, long // 2)}) == 4
    for size in (1, PART + 1, 2 * PART):  # wholly read
        assert mark(size) != mark(size, size - 1), size


def test_a_copy_has_the_same_mark(tmp_path):
    """At any time, elsewhere; what is not there has none."""
    one, two = tmp_path / 'one', tmp_path / 'two'
    for path in (one, two):
        path.write_bytes(b'photo')
    os.utime(two, (1, 1))
    marks = file_marks([one, two, one, tmp_path / 'gone', tmp_path])
    assert len(marks) == 4
    assert marks[str(one)] == marks[str(two)] != ''
    assert marks[str(tmp_path / 'gone')] == marks[str(tmp_path)] == ''
