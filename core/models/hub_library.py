"""What is used of huggingface_hub, set up for this process. Importing it takes 0.15 s, so it is
imported by the functions that need it and not before.

Xet has no fallback where its own servers cannot be reached; telemetry would ask the Hub for a list
of programs before the first question; and warnings would be written across the screen.
"""

from __future__ import annotations

import logging

from huggingface_hub import constants, errors
from huggingface_hub.file_download import get_hf_file_metadata, hf_hub_url
from huggingface_hub.utils import (  # type: ignore[attr-defined]  # documented, but not marked so
    WeakFileLock,
    build_hf_headers,
    get_session,
    hf_raise_for_status,
    httpx,
    parse_ratelimit_headers,
)
from huggingface_hub.utils.logging import set_verbosity

constants.HF_HUB_DISABLE_XET = True
constants.HF_HUB_DISABLE_TELEMETRY = True
set_verbosity(logging.ERROR)

__all__ = [
    "WeakFileLock",
    "build_hf_headers",
    "constants",
    "errors",
    "get_hf_file_metadata",
    "get_session",
    "hf_hub_url",
    "hf_raise_for_status",
    "httpx",
    "parse_ratelimit_headers",
]
