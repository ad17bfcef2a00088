"""Import OpenVINO without its telemetry, which otherwise reports over the network, in a process of its own, as soon as it is imported."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import cast


def import_openvino() -> ModuleType:
    """Import OpenVINO; its own code takes a silent stand-in where the telemetry package cannot be imported.

    Raises:
        ImportError: where OpenVINO is not installed.
    """
    if "openvino" not in sys.modules:
        sys.modules["openvino_telemetry"] = cast("ModuleType", None)  # Python's own way to say: this cannot be imported
    import openvino

    module: ModuleType = openvino
    return module
