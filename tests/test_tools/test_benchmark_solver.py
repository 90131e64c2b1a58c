"""tools/benchmark_solver.py: that it says what ran, and what did not."""


def test_report(tool, capsys, tmp_path):
    """A CPU runs no fused solver; with a network, the share of its training step. The README gets what was printed."""
    readme = tmp_path / 'README.md'
    readme.write_text('before\n<!-- solver:begin -->\nold\n<!-- solver:end -->\nafter\n')
    options = ['--size', '32', '32', '--repeats', '1', '--classes', '4', '--steps', '2', '--network', 'tiny']
    tool.main([*options, '--readme', str(readme)])
    printed = capsys.readouterr().out
    lines = {line.split()[0]: line for line in printed.splitlines()}
    assert lines['fused'].split() == ['fused', 'not', 'run']
    assert 'times faster' in lines['default']
    assert 'share      default adds' in lines['share']
    command = f'$ python tools/benchmark_solver.py {" ".join(options)}'
    expected = f'before\n<!-- solver:begin -->\n```\n{command}\n{printed}```\n<!-- solver:end -->\nafter\n'
    assert readme.read_text() == expected
