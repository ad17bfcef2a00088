"""Arithmetic on predictions: metrics, intervals, calibration and the verdict (no torch here)."""

from headstart.evaluation.calibration import Bin, calibration_error, reliability
from headstart.evaluation.intervals import Gain, Measured, gain, measure
from headstart.evaluation.metrics import METRICS, score
from headstart.evaluation.predictions import Predictions
from headstart.evaluation.table import ClassRow, Table, table
from headstart.evaluation.verdict import CacheUse, Circumstances, Counts, Cut, Verdict, judge

__all__ = [
    "METRICS",
    "Bin",
    "CacheUse",
    "Circumstances",
    "ClassRow",
    "Counts",
    "Cut",
    "Gain",
    "Measured",
    "Predictions",
    "Table",
    "Verdict",
    "calibration_error",
    "gain",
    "judge",
    "measure",
    "reliability",
    "score",
    "table",
]
