"""The report: one HTML page about one or several runs."""

from .page import report_page
from .reported_run import Missing, ReportedRun, Wanted, look_at

__all__ = ['Missing', 'ReportedRun', 'Wanted', 'look_at', 'report_page']
