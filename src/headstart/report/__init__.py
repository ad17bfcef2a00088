"""The page people open: a finished run folder in, one self-contained ``report.html`` out; and the list of runs in a folder."""

from headstart.report.listing import RunSummary, list_runs
from headstart.report.page import write_report

__all__ = ["RunSummary", "list_runs", "write_report"]
