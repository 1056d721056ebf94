"""What this llama.cpp build can run on: its devices, their memory, and its version."""

from __future__ import annotations

import ctypes
import os
from dataclasses import asdict, dataclass
from typing import Any

import llama_cpp
from llama_cpp.llama_cpp import _lib

from core.protocol import DeviceMemory

_TYPES = {0: "CPU", 1: "GPU", 2: "IGPU", 3: "ACCEL"}


def _ggml(name: str, restype: Any, *argtypes: Any) -> Any:
    # libllama depends on libggml, so its handle resolves ggml's symbols, wherever they were loaded
    # from; indexing (not getattr) gives a function object of our own to set types on.
    function = _lib[name]
    function.restype, function.argtypes = restype, argtypes
    return function


_dev_count = _ggml("ggml_backend_dev_count", ctypes.c_size_t)
_dev_get = _ggml("ggml_backend_dev_get", ctypes.c_void_p, ctypes.c_size_t)
_dev_name = _ggml("ggml_backend_dev_name", ctypes.c_char_p, ctypes.c_void_p)
_dev_description = _ggml("ggml_backend_dev_description", ctypes.c_char_p, ctypes.c_void_p)
_dev_type = _ggml("ggml_backend_dev_type", ctypes.c_int, ctypes.c_void_p)
_size_p = ctypes.POINTER(ctypes.c_size_t)
_dev_memory = _ggml("ggml_backend_dev_memory", None, ctypes.c_void_p, _size_p, _size_p)


@dataclass(frozen=True)
class Device:
    """One device of the build. Memory in bytes; for the CPU, `memory_free` is unreliable."""

    name: str
    description: str
    type: str
    memory_free: int
    memory_total: int


def devices() -> list[Device]:
    """All devices that this build of llama.cpp can use, the CPU among them."""
    found = []
    for index in range(_dev_count()):
        handle = _dev_get(index)
        free, total = ctypes.c_size_t(), ctypes.c_size_t()
        _dev_memory(handle, ctypes.byref(free), ctypes.byref(total))
        found.append(
            Device(
                name=_dev_name(handle).decode(errors="replace"),
                description=_dev_description(handle).decode(errors="replace"),
                type=_TYPES.get(_dev_type(handle), "unknown"),
                memory_free=free.value,
                memory_total=total.value,
            )
        )
    return found


def has_gpu() -> bool:
    """Whether layers can be offloaded here."""
    return any(device.type in ("GPU", "IGPU") for device in devices())


def gpu_memory() -> list[DeviceMemory]:
    """What is in use of each GPU that says how much it has, by whatever program."""
    return [
        DeviceMemory(name=gpu.name, used=gpu.memory_total - gpu.memory_free, total=gpu.memory_total)
        for gpu in devices()
        if gpu.type in ("GPU", "IGPU") and gpu.memory_total
    ]


def build() -> str:
    """The version of this llama.cpp."""
    return str(llama_cpp.llama_version().decode(errors="replace"))


def usable_cores() -> int:
    """CPU cores this process may run on."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def describe() -> dict[str, Any]:
    """The facts `specdec-tui doctor` prints, as plain values."""
    llama_cpp.llama_backend_init()
    return {
        "llama_cpp_python": llama_cpp.__version__,
        "llama_cpp_version": build(),
        "system_info": llama_cpp.llama_print_system_info().decode(errors="replace").strip(),
        "supports_gpu_offload": bool(llama_cpp.llama_supports_gpu_offload()),
        "usable_cores": usable_cores(),
        "devices": [asdict(device) for device in devices()],
    }
