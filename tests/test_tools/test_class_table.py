"""The table of results by class: which number stands where."""

from mmseg_ssl.tooling.class_table import class_table


def scores(iou, accuracy, precision, pixels=50.0):
    return dict(pixels=pixels, IoU=iou, accuracy=accuracy, precision=precision)


def test_columns_of_two_networks_by_hand():
    """Low IoUs stand out; what would be 0/0 is a dash and in no mean: that of the teacher's IoU is of one class."""
    student = dict(wall=scores(10.0, 40.0, 60.0), sky=scores(50.0, 70.0, 90.0))
    teacher = dict(wall=scores(30.0, 31.0, 32.0), sky=scores(None, None, 34.0, None))
    table = class_table('val', dict(student=student, teacher=teacher))
    assert table.title == 'val, in %'
    columns = {str(column.header): list(column.cells) for column in table.columns}
    assert columns == {
        'class': ['wall', 'sky', 'mean'],
        'pixels': ['50.00', '50.00', ''],
        'student\nIoU': ['[red]10.00[/red]', '50.00', '30.00'],
        'student\naccuracy': ['40.00', '70.00', '55.00'],
        'student\nprecision': ['60.00', '90.00', '75.00'],
        'teacher\nIoU': ['30.00', '-', '30.00'],
        'teacher\naccuracy': ['31.00', '-', '31.00'],
        'teacher\nprecision': ['32.00', '34.00', '33.00'],
    }
    single = class_table('test', {'': student})
    assert [str(column.header) for column in single.columns] == ['class', 'pixels', 'IoU', 'accuracy', 'precision']
