"""Files of one JSON value per line are readable while they are written."""

from mmseg_ssl.utils.json_lines import read_json_lines


def test_a_line_that_is_cut_off_is_left_out(tmp_path):
    path = tmp_path / 'a.jsonl'
    path.write_text('{"step": 1}\n{"step": 2}\n{"ste')
    assert read_json_lines(path) == [{'step': 1}, {'step': 2}]


def test_a_missing_file_has_no_lines(tmp_path):
    assert read_json_lines(tmp_path / 'a.jsonl') == []
