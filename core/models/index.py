"""What the catalog keeps of every file's header, on disk from one start to the next: a thousand
headers take seconds to read, their index milliseconds. A file counts as the same while its size and
its time of change are.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any, get_args

from platformdirs import user_cache_path

from core.models.compat import Compatibility, compare
from core.models.gguf import GgufError, read_header
from core.models.header import GgufHeader, Scalar, TokenTexts
from core.models.kinds import Kind, classify
from core.models.known_arrays import KnownArrays
from core.models.shape import Footprint, Shape, Weights, joined, shape_of, weights_of
from core.whole_files import replace_file

VERSION = 1
MAX_KEPT = 8192
"""Files in the index; beyond it, only those met since the start are kept."""

TEMPLATE_KEY = "tokenizer.chat_template"
_COMPARED = (
    *("tokenizer.ggml.model", "tokenizer.ggml.pre"),
    *("tokenizer.ggml.add_bos_token", "tokenizer.ggml.add_eos_token"),
    *("tokenizer.ggml.bos_token_id", "tokenizer.ggml.eos_token_id"),
)


@dataclass(frozen=True)
class Entry:
    """What is kept of one file's header. All strings are untrusted data.

    `tokenizer`: the metadata that `compare` looks at, the chat template as its hash;
    `tokens_hash`: of all token texts.
    """

    architecture: str
    n_params: int
    quantisation: str
    n_ctx_train: int
    n_layers: int
    n_vocab: int
    kind: Kind
    n_tokens: int
    tokens_hash: str
    tokenizer: Mapping[str, Scalar]


class Index:
    """The entries of all files met so far. Several processes may use one index: it is written as a
    whole, and what is lost is read again."""

    def __init__(self, path: Path | None = None) -> None:
        """`path`: the index's own file, by default in the user's cache folder."""
        self._path = path or user_cache_path("specdec-tui") / "models.json"
        self._files = _load(self._path)
        self._new: dict[str, dict[str, Any]] = {}
        self._met: set[str] = set()
        self._known = KnownArrays()

    def entry(self, path: Path) -> Entry:
        """The entry of a file, from the index or from its header. Raises GgufError as
        `read_header` does; that too is remembered until the file changes."""
        try:
            info = path.stat()
        except OSError:
            read_header(path)  # raises, and says why
            raise
        key, stamp = str(path), [info.st_size, info.st_mtime_ns]
        self._met.add(key)
        kept = self._files.get(key)
        if isinstance(kept, dict) and kept.get("stamp") == stamp:
            error = kept.get("error")
            if isinstance(error, str) and os.access(path, os.R_OK):
                raise GgufError(error)
            with contextlib.suppress(LookupError, TypeError, ValueError):
                return _from_json(kept["entry"])
        return self._read(path, key, stamp)

    def footprint(self, parts: Sequence[Path]) -> Footprint:
        """What the memory of a model depends on, of all its files, the first one first.

        Read from the headers when first asked for. Raises GgufError where the files hold no
        language model.
        """
        for path in parts:
            self.entry(path)  # brings what is kept up to date
        kept = [self._files[str(path)] for path in parts]
        with contextlib.suppress(LookupError, TypeError, ValueError):
            whole = [json.loads(file["footprint"]) for file in kept]
            shape = Shape(**_tuples(whole[0]["shape"]))
            return Footprint(shape, joined(Weights(**_tuples(part["weights"])) for part in whole))
        headers = [read_header(path, self._known) for path in parts]
        shape, weights = shape_of(headers[0]), [weights_of(header) for header in headers]
        for path, file, own in zip(parts, kept, weights, strict=True):
            # As text, which costs nothing to load until it is asked for.
            text = json.dumps({"shape": asdict(shape), "weights": asdict(own)})
            self._keep(str(path), file | {"footprint": text})
        return Footprint(shape, joined(weights))

    def save(self) -> None:
        """Write what is new. A cache folder that cannot be written to costs only time."""
        if not self._new:
            return
        files = _load(self._path) | self._new
        if len(files) > MAX_KEPT:
            files = {key: value for key, value in files.items() if key in self._met}
        document = json.dumps({"version": VERSION, "files": files}, separators=(",", ":"))
        with contextlib.suppress(OSError):
            replace_file(self._path, document.encode())
        self._new = {}

    def _read(self, path: Path, key: str, stamp: list[int]) -> Entry:
        try:
            entry = _entry_of(read_header(path, self._known))
        except GgufError as error:
            if os.access(path, os.R_OK):  # else it may be made readable without being changed
                self._keep(key, {"stamp": stamp, "error": error.message})
            raise
        self._keep(key, {"stamp": stamp, "entry": asdict(entry)})
        return entry

    def _keep(self, key: str, value: dict[str, Any]) -> None:
        self._new[key] = self._files[key] = value


class Comparisons:
    """Which drafts fit which targets, by their entries where these suffice: where the vocabularies
    are equal, or differ in what an entry holds. Otherwise both headers are read, once for all files
    with these vocabularies."""

    def __init__(self) -> None:
        self._known = KnownArrays()
        self._met: dict[tuple[object, ...], Compatibility] = {}

    def compare(self, target: tuple[Path, Entry], draft: tuple[Path, Entry]) -> Compatibility:
        """What `core.models.compat.compare` says of the two files. Raises GgufError."""
        one, other = (_vocabulary(entry) for _, entry in (target, draft))
        met = self._met.get((one, other))
        if met is None:
            met = compare(_likeness(*target), _likeness(*draft))
            if met.verdict != "no" and one[:2] != other[:2]:
                met = compare(*(read_header(path, self._known) for path, _ in (target, draft)))
            self._met[one, other] = met
        return met


def _vocabulary(entry: Entry) -> tuple[object, ...]:
    """All of an entry that `compare` looks at."""
    return entry.n_tokens, entry.tokens_hash, tuple(sorted(entry.tokenizer.items()))


# ------------------------------------------------------------------ entries


def _entry_of(header: GgufHeader) -> Entry:
    tokenizer = {key: header.metadata[key] for key in _COMPARED if key in header.metadata}
    if header.chat_template is not None:
        tokenizer[TEMPLATE_KEY] = _hash(header.chat_template.encode("utf-8", "replace"))
    return Entry(
        architecture=header.architecture,
        n_params=header.n_params,
        quantisation=header.quantisation,
        n_ctx_train=header.context_length or 0,
        n_layers=header.block_count or 0,
        n_vocab=header.n_vocab,
        kind=classify(header),
        n_tokens=len(header.tokens),
        tokens_hash=header.tokens.digest,
        tokenizer={k: v for k, v in tokenizer.items() if not isinstance(v, tuple)},
    )


_STAND_IN = bytes(40)
"""Five empty token texts, which are as many as `compare` steps over before it compares."""


def _likeness(path: Path, entry: Entry) -> GgufHeader:
    """A header that is to `compare` as the file's own, but for the texts of the tokens."""
    return GgufHeader(
        path=path,
        version=3,
        file_size=0,
        metadata=MappingProxyType(dict(entry.tokenizer)),
        array_lengths=MappingProxyType({}),
        tokens=TokenTexts(_STAND_IN, entry.n_tokens),
        tensors=(),
        n_params=entry.n_params,
        tensor_types=MappingProxyType({}),
    )


def _hash(data: bytes) -> str:
    return hashlib.blake2b(data, digest_size=16).hexdigest()


# ------------------------------------------------------------------ the file


def _tuples(fields: dict[str, Any]) -> dict[str, Any]:
    return {k: tuple(v) if isinstance(v, list) else v for k, v in fields.items()}


def _from_json(fields: dict[str, Any]) -> Entry:
    """An entry as it was written. Raises TypeError or ValueError where the file was damaged."""
    entry = Entry(**fields)
    for name, kind in Entry.__annotations__.items():
        wanted = {"str": str, "int": int}.get(kind, object)
        if not isinstance(getattr(entry, name), wanted):
            raise TypeError(name)
    if entry.kind not in get_args(Kind) or not isinstance(entry.tokenizer, dict):
        raise ValueError
    return replace(entry, tokenizer=MappingProxyType(entry.tokenizer))


def _load(path: Path) -> dict[str, Any]:
    """What is kept; a damaged file, or one of another version, counts as none."""
    try:
        document = json.loads(path.read_text(encoding="ascii"))
        files = document["files"] if document["version"] == VERSION else {}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
    return files if isinstance(files, dict) else {}
