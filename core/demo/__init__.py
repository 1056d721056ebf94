"""The bundled demonstration pair: two tiny models that share a vocabulary, and the code that made
them. Importing this package loads nothing heavy.
"""

from pathlib import Path

_HERE = Path(__file__).resolve().parent

TARGET_PATH = _HERE / "target.gguf"
DRAFT_PATH = _HERE / "draft.gguf"
