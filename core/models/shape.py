"""What the memory of a model depends on, read from its headers: the widths of its caches layer by
layer, and the bytes of its weights. Apart from the arithmetic on it, which is `memory`.

Which architecture has which layers, and the defaults of absent keys, were read from llama.cpp: the
`load_arch_hparams` of src/models/, `llama_model::create_memory` and src/llama-hparams.cpp.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.models.gguf import GgufError, read_header
from core.models.header import GgufHeader
from core.models.untrusted import shown

MAX_LAYERS = 512
_MAX_NUMBER = 2**31

_RECURRENT = {"mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7", "arwkv7"}
_HYBRID_BY_HEADS = {
    *("jamba", "granitehybrid", "lfm2", "lfm2moe", "plamo2", "nemotron_h", "nemotron_h_moe"),
    *("kimi-linear", "bailingmoe3", "kimi-k3", "glm5-next"),
}
_HYBRID_BY_INTERVAL = {
    **{"qwen3next": 4, "qwen35": 4, "qwen35moe": 4, "qwen4exp": 4},
    **{"minimax-01": 8},
}
_ROLLS_BACK = {
    *("kimi-k3", "qwen35", "qwen35moe", "qwen4exp", "deepseek4", "glm5-next", "nemotron_h"),
    *("nemotron_h_moe", "lfm2", "lfm2moe", "bailingmoe3"),
}
# Every n-th layer sees the whole context, counted from the end of the period or its beginning.
_WINDOW_PERIOD = {
    **dict.fromkeys(("cohere2", "afmoe", "exaone-moe", "mellum", "muse-glimmer", "olmo2"), 4),
    **{"gemma2": 2, "gemma3": 6, "gemma3n": 5, "gpt-oss": 2, "plamo3": 8, "llama4": 4},
    **dict.fromkeys(("cohere2moe", "laguna", "smallthinker", "exaone4"), 4),
}
_DENSE_FIRST = {"cohere2moe", "laguna", "smallthinker"}
_WINDOW_BY_ARRAY = {"gemma4", "granite-swa", "mimo2", "maple", "step35", "spark2-5", "dots3note"}
_WINDOW_DEFAULT = {"gemma2": 4096, "exaone4": 4096, "llama4": 8192}


@dataclass(frozen=True)
class Shape:
    """One model by its numbers. Per layer: `k` and `v`, how many elements of the K and V cache a
    token takes (0: none); `windowed`, whether only `window` tokens are kept; `state`, bytes of the
    recurrent state. `rolls_back`: llama.cpp keeps a copy of the state for every token of a draft.
    """

    architecture: str
    n_embd: int
    n_ff: int
    n_q: int
    n_head: int
    n_vocab: int
    n_ctx_train: int
    k: tuple[int, ...]
    v: tuple[int, ...]
    windowed: tuple[bool, ...]
    window: int
    state: tuple[int, ...]
    rolls_back: bool
    d_inner: int
    d_key: int
    n_expert: int
    n_expert_used: int
    n_ff_expert: int

    @property
    def n_layer(self) -> int:
        """Layers of the model; the layers of a draft head (MTP) in the same file do not count."""
        return len(self.k)

    @property
    def is_recurrent(self) -> bool:
        """Whether some layer keeps a state that cannot be cut back token by token."""
        return any(self.state)


@dataclass(frozen=True)
class Weights:
    """Bytes of the weights, of one file or of all parts of a model. `input`: what llama.cpp always
    leaves in main memory; `layers`: by layer; `experts`: of these, the bytes of routed experts;
    `output`: the rest, `head` whether the output matrix is in it. `largest`: of a layer's matrices.
    """

    input: int = 0
    output: int = 0
    head: bool = False
    layers: tuple[int, ...] = ()
    experts: int = 0
    largest: int = 0

    @property
    def total(self) -> int:
        """Of the files. A tied embedding counts once."""
        return self.input + self.output + sum(self.layers)


@dataclass(frozen=True)
class Footprint:
    """All that the memory of a model depends on."""

    shape: Shape
    weights: Weights


def read_footprint(parts: Sequence[Path]) -> Footprint:
    """Read the headers of a model's files, the first of which holds the metadata.

    Raises GgufError where a file cannot be read or its numbers make no model.
    """
    headers = [read_header(path) for path in parts]
    return Footprint(shape_of(headers[0]), joined(weights_of(header) for header in headers))


def joined(parts: Iterable[Weights]) -> Weights:
    """The weights of all parts of a model together."""
    parts = list(parts)
    layers = [0] * max((len(part.layers) for part in parts), default=0)
    for part in parts:
        for i, n_bytes in enumerate(part.layers):
            layers[i] += n_bytes
    return Weights(
        input=sum(part.input for part in parts),
        output=sum(part.output for part in parts),
        head=any(part.head for part in parts),
        layers=tuple(layers),
        experts=sum(part.experts for part in parts),
        largest=max((part.largest for part in parts), default=0),
    )


# ------------------------------------------------------------------ the shape


def shape_of(header: GgufHeader) -> Shape:
    """The shape that a header's metadata describe. Raises GgufError where it describes none."""
    n_all = _number(header, "block_count")
    n_layer = n_all - _number(header, "nextn_predict_layers")
    if not 0 < n_layer <= MAX_LAYERS or n_all > MAX_LAYERS:
        label = shown(str(header.path), 300)
        raise GgufError(f"{label} claims {n_all:,} layers, which is no model; download it again.")
    heads = _per_layer(header, "attention.head_count", n_layer, 0)
    heads_kv = heads
    if f"{header.architecture}.attention.head_count_kv" in header.metadata:
        heads_kv = _per_layer(header, "attention.head_count_kv", n_layer, 0)
    n_embd = _number(header, "embedding_length")
    head_size = n_embd // heads[0] if heads[0] else 0
    windowed, window = _windows(header, n_layer)
    recurrent = _recurrent_layers(header, n_layer, heads_kv)
    state = _state_bytes(header, n_embd, heads[0])
    with_kv = _layers_with_kv(header, n_layer, heads_kv, recurrent)
    counts = tuple(n if own else 0 for n, own in zip(heads_kv, with_kv, strict=True))
    # Multi-head latent attention keeps one vector for both.
    latent = header.number("{arch}.attention.key_length_mla") is not None
    return Shape(
        architecture=header.architecture,
        n_embd=n_embd,
        n_ff=max(_per_layer(header, "feed_forward_length", n_layer, 0)),
        n_q=max(heads) * (_number(header, "attention.key_length") or head_size),
        n_head=max(heads),
        n_vocab=header.n_vocab,
        n_ctx_train=_number(header, "context_length"),
        k=_widths(header, "key", head_size, counts, windowed),
        v=(0,) * n_layer if latent else _widths(header, "value", head_size, counts, windowed),
        windowed=windowed,
        window=window,
        state=tuple(state if is_recurrent else 0 for is_recurrent in recurrent),
        rolls_back=header.architecture in _ROLLS_BACK,
        d_inner=_number(header, "ssm.inner_size"),
        d_key=_number(header, "ssm.group_count") * _number(header, "ssm.state_size"),
        n_expert=_number(header, "expert_count"),
        n_expert_used=max(_per_layer(header, "expert_used_count", n_layer, 0)),
        n_ff_expert=max(_per_layer(header, "expert_feed_forward_length", n_layer, 0)),
    )


def _number(header: GgufHeader, key: str, default: int = 0) -> int:
    """An untrusted number: what is no size counts as absent."""
    value = header.number("{arch}." + key)
    return value if value is not None and 0 <= value < _MAX_NUMBER else default


def _per_layer(header: GgufHeader, key: str, n_layer: int, default: int) -> tuple[int, ...]:
    """A number that may be given once for all layers or for each."""
    given = header.metadata.get(f"{header.architecture}.{key}")
    if not isinstance(given, tuple):
        return (_number(header, key, default),) * n_layer
    values = [v if isinstance(v, int) and 0 <= v < _MAX_NUMBER else 0 for v in given[:n_layer]]
    return tuple(values + [0] * (n_layer - len(values)))


def _widths(
    header: GgufHeader,
    name: str,
    head_size: int,
    heads_kv: Sequence[int],
    windowed: Sequence[bool],
) -> tuple[int, ...]:
    """Elements that a token takes in the `key` or `value` cache, by layer; layers with a window may
    have heads of another size."""
    full = _number(header, f"attention.{name}_length", head_size)
    swa = _number(header, f"attention.{name}_length_swa", full)
    return tuple(
        n * (swa if window else full) for n, window in zip(heads_kv, windowed, strict=True)
    )


def _windows(header: GgufHeader, n_layer: int) -> tuple[tuple[bool, ...], int]:
    """Which layers have a sliding window, and how many tokens it holds."""
    arch = header.architecture
    window = _number(header, "attention.sliding_window", _WINDOW_DEFAULT.get(arch, 0))
    none = (False,) * n_layer
    if not window or (arch == "exaone4" and n_layer != 64):
        return none, 0
    if arch == "lfm2":
        return (True,) * n_layer, window
    given = header.metadata.get(f"{arch}.attention.sliding_window_pattern")
    if arch not in _WINDOW_PERIOD and arch not in _WINDOW_BY_ARRAY:
        return none, 0
    if isinstance(given, tuple):
        flags = [bool(flag) for flag in given[:n_layer]]
        return tuple(flags + [False] * (n_layer - len(flags))), window
    period = _number(header, "attention.sliding_window_pattern", _WINDOW_PERIOD.get(arch, 1))
    if period == 0:
        return (True,) * n_layer, window
    dense = 0 if arch in _DENSE_FIRST else period - 1
    window = {"llama4": 8192, "smallthinker": 4096}.get(arch, window)
    return tuple(i % period != dense for i in range(n_layer)), window


def _recurrent_layers(
    header: GgufHeader, n_layer: int, heads_kv: Sequence[int]
) -> tuple[bool, ...]:
    arch = header.architecture
    if arch in _RECURRENT or arch == "falcon-h1":
        return (True,) * n_layer
    if arch in _HYBRID_BY_HEADS:
        ff = _per_layer(header, "feed_forward_length", n_layer, 0)
        no_ff = [not arch.startswith("nemotron") or n == 0 for n in ff]
        return tuple(n == 0 and free for n, free in zip(heads_kv, no_ff, strict=True))
    if arch in _HYBRID_BY_INTERVAL:
        given = header.metadata.get(f"{arch}.attention.recurrent_layers")
        if isinstance(given, tuple):
            flags = [bool(flag) for flag in given[:n_layer]]
            return tuple(flags + [False] * (n_layer - len(flags)))
        interval = _number(header, "full_attention_interval", _HYBRID_BY_INTERVAL[arch])
        return tuple((i + 1) % max(interval, 1) != 0 for i in range(n_layer))
    return (False,) * n_layer


def _layers_with_kv(
    header: GgufHeader, n_layer: int, heads_kv: Sequence[int], recurrent: Sequence[bool]
) -> list[bool]:
    """Layers with a cache of their own: later layers of some models use that of earlier ones."""
    arch = header.architecture
    if arch in _RECURRENT:
        return [False] * n_layer
    own = n_layer
    if arch == "gemma3n":
        own = 20
    elif arch == "gemma4":
        own = n_layer - _number(header, "attention.shared_kv_layers")
    both = arch == "falcon-h1"
    return [i < own and heads_kv[i] > 0 and (both or not recurrent[i]) for i in range(n_layer)]


def _state_bytes(header: GgufHeader, n_embd: int, n_head: int) -> int:
    """One layer's recurrent state in F32: `n_embd_r` and `n_embd_s` of src/llama-hparams.cpp."""
    conv, inner, state = (
        _number(header, f"ssm.{key}") for key in ("conv_kernel", "inner_size", "state_size")
    )
    if head := _number(header, "wkv.head_size"):
        return 4 * n_embd * (_number(header, "token_shift_count", 2) + head)
    if cache := _number(header, "shortconv.l_cache"):
        return 4 * (n_embd * (cache - 1) + state * inner)
    if head := _number(header, "kda.head_dim"):
        return 4 * n_head * head * (3 * (conv - 1 if conv else 3) + head)
    if header.architecture == "minimax-01":
        head = _number(header, "attention.key_length") or n_embd // max(n_head, 1)
        return 4 * n_head * head * head
    groups = _number(header, "ssm.group_count")
    return 4 * (max(conv - 1, 0) * (inner + 2 * groups * state) + state * inner)


# ------------------------------------------------------------------ the weights

_LAYER = re.compile(r"blk\.(\d{1,3})\.")
_INPUT = ("token_embd", "position_embd", "token_types", "per_layer_token_embd")


def weights_of(header: GgufHeader) -> Weights:
    """Where the bytes of one file's tensors belong."""
    layers: dict[int, int] = {}
    input_bytes = output = experts = largest = 0
    head = False
    for name, n_bytes in header.tensors:
        if match := _LAYER.match(name):
            layers[int(match[1])] = layers.get(int(match[1]), 0) + n_bytes
            largest = max(largest, n_bytes)
            experts += n_bytes if "_exps." in name else 0
        elif name.startswith(_INPUT):
            input_bytes += n_bytes
        else:
            output += n_bytes
            head = head or name == "output.weight"
    n_layer = min(max(layers, default=-1) + 1, MAX_LAYERS)
    by_layer = tuple(layers.get(i, 0) for i in range(n_layer))
    return Weights(input_bytes, output, head, by_layer, experts, largest)
