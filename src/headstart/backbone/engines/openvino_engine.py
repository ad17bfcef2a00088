"""OpenVINO as engine: reaches 8 to 15 times torch's float32 on processors with matrix units; what it converted is kept."""

from __future__ import annotations

import errno
import os
import shutil
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import fx

from headstart.backbone.engines.conversions import DESCRIPTION, WEIGHTS, prune_converted, used
from headstart.backbone.engines.openvino_import import import_openvino
from headstart.backbone.engines.protocol import Arrays, Runner
from headstart.base.files import beside
from headstart.base.folders import measured
from headstart.base.hashing import digest

ROOM = 1.5  # times the bytes of the weights: with less, that is why a file could not be written
PRECISIONS = {"bfloat16": "bf16", "float32": "f32"}
# Threads that are tied to cores wait for them beside other work while others are free: 3 to 8 times slower there, and the bits are the same.
HINTS = {"PERFORMANCE_HINT": "LATENCY", "ENABLE_CPU_PINNING": False}


@dataclass(frozen=True)
class OpenVinoEngine:
    """Converts a part to OpenVINO's own form and runs it in bfloat16 or float32."""

    precision: str
    exact: bool = False

    @property
    def name(self) -> str:
        """For example ``openvino-bfloat16``."""
        return f"openvino-{self.precision}"

    @property
    def version(self) -> str:
        """OpenVINO's."""
        return version("openvino")

    def available(self) -> bool:
        """Always: it is installed with headstart."""
        return True

    def load(self, part: fx.GraphModule, example: Arrays, key: str, varying: Sequence[bool] = ()) -> Runner:
        """Convert once per weights and shapes (about 1 s), then compile (about 0.3 s); where lengths vary, they and the batch stay open at no cost."""
        openvino = import_openvino()
        open_lengths = tuple(varying) or (False,) * len(example)
        shapes = [_shape(array, varies=varies, items=-1 if any(open_lengths) else len(array)) for array, varies in zip(example, open_lengths, strict=True)]
        core = openvino.Core()
        model = core.read_model(str(self._converted(part, example, key, open_lengths)))
        model.reshape({port: openvino.PartialShape(shape) for port, shape in zip(model.inputs, shapes, strict=True)})
        request = core.compile_model(model, "CPU", {**HINTS, "INFERENCE_PRECISION_HINT": PRECISIONS[self.precision]}).create_infer_request()

        def run(batch: Arrays) -> Arrays:
            outputs = request.infer(list(batch))
            return tuple(np.array(output, dtype=np.float32) for output in outputs.values())

        return run

    def _converted(self, part: fx.GraphModule, example: Arrays, key: str, open_lengths: tuple[bool, ...]) -> Path:
        openvino = import_openvino()
        shapes = [(_shape(array, varies=varies)[1:], str(array.dtype)) for array, varies in zip(example, open_lengths, strict=True)]
        kept = measured() / f"{digest(key, openvino.__version__, torch.__version__, str(shapes))}{DESCRIPTION}"
        if not (kept.exists() and kept.with_suffix(WEIGHTS).exists()):
            kept.parent.mkdir(parents=True, exist_ok=True)
            partial = beside(kept).with_suffix(DESCRIPTION)
            try:
                openvino.save_model(_convert(part, example, open_lengths), str(partial), compress_to_fp16=False)
                partial.with_suffix(WEIGHTS).replace(kept.with_suffix(WEIGHTS))
                partial.replace(kept)
                prune_converted()
            except RuntimeError as error:  # OpenVINO does not say why a file could not be written
                raise _full(part, kept) or error from None
            finally:
                partial.unlink(missing_ok=True)
                partial.with_suffix(WEIGHTS).unlink(missing_ok=True)
        used(kept)
        return kept


def _full(part: fx.GraphModule, kept: Path) -> OSError | None:
    """Is there too little room for the weights of a part?"""
    kept_bytes = sum(tensor.nbytes for tensor in part.state_dict().values())
    partials = sum(path.stat().st_size for path in kept.parent.glob(f".{kept.stem}*"))
    if shutil.disk_usage(kept.parent).free + partials > ROOM * kept_bytes:
        return None
    return OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(kept))


def _shape(array: NDArray[np.generic], *, varies: bool, items: int = -1) -> list[int]:
    return [items, *((-1, *array.shape[2:]) if varies else array.shape[1:])]


def _convert(part: fx.GraphModule, example: Arrays, open_lengths: tuple[bool, ...]) -> Any:
    """Trace without torch's three check runs, and hand the trace to OpenVINO's frontend.

    ``openvino.convert_model`` would take ten times as long and report its use over the network; the frontend does neither.
    """
    openvino = import_openvino()
    from openvino.frontend import FrontEndManager
    from openvino.frontend.pytorch.ts_decoder import TorchScriptPythonDecoder

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        inputs = tuple(torch.from_numpy(array[:2]) for array in example)
        decoder = TorchScriptPythonDecoder(torch.jit.freeze(torch.jit.trace(part.eval(), inputs, check_trace=False)))
        frontend = FrontEndManager().load_by_framework("pytorch")
        model = frontend.convert(frontend.load(decoder))
    for port, array, varies in zip(model.inputs, example, open_lengths, strict=True):
        port.get_node().set_element_type(openvino.Type(array.dtype))
        port.get_node().set_partial_shape(openvino.PartialShape(_shape(array, varies=varies)))
    model.validate_nodes_and_infer_types()
    return model
