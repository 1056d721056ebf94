"""A loaded GGUF model: its weights, its vocabulary and its metadata."""

from __future__ import annotations

import ctypes
from collections.abc import Callable

import llama_cpp

from core.errors import SpecdecError
from core.llama import log
from core.llama.devices import has_gpu
from core.models.header import GgufHeader
from core.protocol import ModelOptions
from core.reasoning import TOKENS

_META_LIMIT = 2**20


class Model:
    """Owns one `llama_model`. Not thread-safe; `close` frees the weights."""

    def __init__(
        self,
        path: str,
        options: ModelOptions,
        on_progress: Callable[[float], None] | None = None,
        header: GgufHeader | None = None,
    ) -> None:
        """Load the weights from `path`. `header`: of this file, where it was read already. Raises
        SpecdecError with llama.cpp's own complaint."""
        self.path, self.header = path, header
        params = llama_cpp.llama_model_default_params()
        params.n_gpu_layers = options.n_gpu_layers
        self._on_progress = _progress_callback(on_progress)
        params.progress_callback = self._on_progress
        log.forget_complaints()
        self.handle = llama_cpp.llama_model_load_from_file(path.encode(), params)
        if not self.handle:
            cause = log.last_complaint() or "llama.cpp gave no cause"
            raise SpecdecError(f"{path} could not be loaded: {cause}; try another file.", "model")
        self.vocab = llama_cpp.llama_model_get_vocab(self.handle)
        self.n_vocab: int = llama_cpp.llama_vocab_n_tokens(self.vocab)
        self.n_layers: int = llama_cpp.llama_model_n_layer(self.handle)
        wanted = self.n_layers + 1 if options.n_gpu_layers < 0 else options.n_gpu_layers
        self.n_layers_gpu = min(wanted, self.n_layers + 1) if has_gpu() else 0
        self._pieces: dict[int, bytes] = {}
        self._eog: dict[int, bool] = {}

    def close(self) -> None:
        """Free the weights. Contexts on this model must be closed first."""
        if self.handle:
            llama_cpp.llama_model_free(self.handle)
            self.handle = None

    # -------------------------------------------------------------- metadata

    @property
    def n_ctx_train(self) -> int:
        return int(llama_cpp.llama_model_n_ctx_train(self.handle))

    @property
    def size_bytes(self) -> int:
        return int(llama_cpp.llama_model_size(self.handle))

    @property
    def n_params(self) -> int:
        return int(llama_cpp.llama_model_n_params(self.handle))

    @property
    def keeps_recurrent_state(self) -> bool:
        """Recurrent and hybrid models keep a state that cannot be cut back token by token."""
        return bool(
            llama_cpp.llama_model_is_recurrent(self.handle)
            or llama_cpp.llama_model_is_hybrid(self.handle)
        )

    def description(self) -> str:
        """llama.cpp's own words for it, such as `llama 1B Q8_0`."""
        buffer = ctypes.create_string_buffer(256)
        llama_cpp.llama_model_desc(self.handle, buffer, len(buffer))
        return buffer.value.decode(errors="replace")

    def meta(self, key: str) -> str | None:
        """A scalar value of the GGUF header as text; None where it is missing."""
        size = llama_cpp.llama_model_meta_val_str(self.handle, key.encode(), None, 0)
        if not 0 <= size < _META_LIMIT:
            return None
        buffer = ctypes.create_string_buffer(size + 1)
        llama_cpp.llama_model_meta_val_str(self.handle, key.encode(), buffer, size + 1)
        return buffer.value.decode(errors="replace")

    def chat_template(self) -> str | None:
        """The model's own Jinja chat template, untrusted."""
        template = llama_cpp.llama_model_chat_template(self.handle, None)
        return template.decode(errors="replace") if template else None

    # -------------------------------------------------------------- vocabulary

    def tokenize(self, text: str, *, add_special: bool, parse_special: bool) -> list[int]:
        """Token ids of `text`. `add_special` adds BOS and EOS as the model wants them;
        `parse_special` reads markers such as `<|im_end|>` as the tokens they name."""
        data = text.encode("utf-8", errors="replace")
        capacity = len(data) + 8
        while True:
            tokens = (llama_cpp.llama_token * capacity)()
            n = llama_cpp.llama_tokenize(
                self.vocab, data, len(data), tokens, capacity, add_special, parse_special
            )
            if n >= 0:
                return list(tokens[:n])
            capacity = -n

    def piece(self, token: int) -> bytes:
        """The bytes that `token` adds to a text; empty for control tokens, but for those that tell
        reasoning from the answer. May be part of a UTF-8 character."""
        known = self._pieces.get(token)
        if known is None:
            known = self._render(token, special=False)
            if not known and not self.is_eog(token) and self.token_text(token) in TOKENS:
                known = self._render(token, special=True)  # else reasoning ran into the answer
            self._pieces[token] = known
        return known

    def token_text(self, token: int) -> str:
        """`token` as text, markers included; '' for -1, llama.cpp's "there is none"."""
        return "" if token < 0 else self._render(token, special=True).decode(errors="replace")

    def is_eog(self, token: int) -> bool:
        """Whether `token` ends the generation (EOS, EOT and their kin)."""
        known = self._eog.get(token)
        if known is None:
            known = self._eog[token] = bool(llama_cpp.llama_vocab_is_eog(self.vocab, token))
        return known

    @property
    def bos(self) -> int:
        return int(llama_cpp.llama_vocab_bos(self.vocab))

    @property
    def eos(self) -> int:
        return int(llama_cpp.llama_vocab_eos(self.vocab))

    def _render(self, token: int, *, special: bool) -> bytes:
        size = 64
        while True:
            buffer = ctypes.create_string_buffer(size)
            n = llama_cpp.llama_token_to_piece(self.vocab, token, buffer, size, 0, special)
            if n >= 0:
                return buffer.raw[:n]
            size = -n


def _progress_callback(on_progress: Callable[[float], None] | None) -> Callable[..., bool]:
    def report(fraction: float, _user_data: object) -> bool:
        if on_progress:
            on_progress(fraction)
        return True

    callback: Callable[..., bool] = llama_cpp.llama_progress_callback(report)
    return callback
