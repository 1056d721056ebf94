"""May this draft serve this target? llama.cpp's rule, from two headers alone.

The rule is `common_speculative_are_compatible` in common/speculative.cpp; the defaults for absent
keys are those of `llama_vocab::impl::load` in src/llama-vocab.cpp.
"""

from __future__ import annotations

import contextlib
import struct
from dataclasses import dataclass
from typing import Literal

from core.models.header import GgufHeader, TokenTexts
from core.models.untrusted import shown, shown_bytes

Verdict = Literal["yes", "yes-but", "no"]

MAX_SIZE_DIFFERENCE = 128
FIRST_COMPARED = 5

_TYPES = {
    "llama": "SPM",
    "gpt2": "BPE",
    "hybriddna": "BPE",
    "whitespace": "BPE",
    "gemma4": "BPE",
    "bert": "WPM",
    "t5": "UGM",
    "rwkv": "RWKV",
    "plamo2": "PLaMo-2",
}
_BOS = {"llama": 1, "bert": 101, "gpt2": 11, "hybriddna": 11, "whitespace": 11, "plamo2": 1}
_EOS = {"llama": 2, "t5": 1, "gpt2": 11, "hybriddna": 11, "whitespace": 11, "plamo2": 2}
_PRE_WITH_BOS = {
    *("llama3", "llama-v3", "llama-bpe", "falcon3", "falcon-h1", "pixtral", "midm-2.0", "lfm2"),
    *("jina-v5-nano", "tekken", "chameleon"),
}
_PRE_WITHOUT_BOS_ID = {"chatglm-bpe", "glm4", "glm5"}
_PRE_FORCES_BOS = {"gemma4", "granite-embed-multi-311m"}


_LENGTH = struct.Struct("<Q")


@dataclass(frozen=True)
class Compatibility:
    """Whether a draft may propose for a target: the verdict, and the cause in words.

    `yes-but`: llama.cpp accepts the pair, but something is likely to cost acceptance.
    """

    verdict: Verdict
    cause: str


@dataclass(frozen=True)
class Specials:
    """How the tokenizer begins and ends a text, with llama.cpp's defaults filled in. -1: no id."""

    type: str
    add_bos: bool
    bos: int
    add_eos: bool
    eos: int


def compare(target: GgufHeader, draft: GgufHeader) -> Compatibility:
    """Apply the rule. "here" in a cause is the target, "there" the draft.

    The texts of the tokens are compared as one block of bytes; a difference is then searched.
    """
    cause = _specials_differ(specials(target), specials(draft)) or _texts_differ(
        target.tokens, draft.tokens
    )
    if cause:
        return Compatibility("no", cause)
    doubt = _doubt(target, draft)
    return (
        Compatibility("yes-but", doubt)
        if doubt
        else Compatibility("yes", _agreement(target, draft))
    )


def specials(header: GgufHeader) -> Specials:
    """BOS and EOS of a vocabulary as llama.cpp would have them after loading."""
    model = header.text("tokenizer.ggml.model") or ""
    pre = header.text("tokenizer.ggml.pre") or ""
    if model == "gemma4":
        pre = "gemma4"
    kind = _TYPES.get(model, "")
    bpe = kind == "BPE"
    add_bos = header.flag("tokenizer.ggml.add_bos_token")
    if add_bos is None:
        add_bos = kind in ("SPM", "WPM") or (bpe and pre in _PRE_WITH_BOS)
    add_eos = header.flag("tokenizer.ggml.add_eos_token")
    default_bos = -1 if bpe and pre in _PRE_WITHOUT_BOS_ID else _BOS.get(model, -1)
    return Specials(
        type=kind,
        add_bos=add_bos or (bpe and pre in _PRE_FORCES_BOS),
        bos=_token_id(header, "bos", default_bos),
        add_eos=kind == "UGM" if add_eos is None else add_eos,
        eos=_token_id(header, "eos", _EOS.get(model, -1)),
    )


def _token_id(header: GgufHeader, name: str, default: int) -> int:
    """Ids beyond the vocabulary fall back on the default, and that on none."""
    size = len(header.tokens)
    given = header.number(f"tokenizer.ggml.{name}_token_id")
    if given is not None and 0 <= given < size:
        return given
    return default if default < size else -1


def _specials_differ(here: Specials, there: Specials) -> str:
    if not here.type or not there.type:
        return f"the {'draft' if here.type else 'target'} has no known tokenizer"
    if here.type != there.type:
        return f"tokenizer types differ: {here.type} here, {there.type} there"
    for name, added, ids in (
        ("BOS", (here.add_bos, there.add_bos), (here.bos, there.bos)),
        ("EOS", (here.add_eos, there.add_eos), (here.eos, there.eos)),
    ):
        if added[0] != added[1]:
            return f"{name} is added by one and not by the other"
        if added[0] and ids[0] != ids[1]:
            return f"{name} is token {ids[0]} here, {ids[1]} there"
    return ""


def _texts_differ(here: TokenTexts, there: TokenTexts) -> str:
    if not here or not there:
        return f"the {'draft' if here else 'target'} has no vocabulary"
    difference = abs(len(here) - len(there))
    if difference > MAX_SIZE_DIFFERENCE:
        return (
            f"vocabularies differ by {difference:,} tokens, "
            f"at most {MAX_SIZE_DIFFERENCE} are allowed"
        )
    return _first_difference(here, there)


def _first_difference(here: TokenTexts, there: TokenTexts) -> str:
    """Steps over the tokens whose bytes are equal in one go, then compares text by text."""
    count = min(len(here), len(there))
    first = min(FIRST_COMPARED, count)
    at = [_step(here.raw, 0, first), _step(there.raw, 0, first)]
    common = _common_length(here.raw[at[0] :], there.raw[at[1] :])
    if common in (len(here.raw) - at[0], len(there.raw) - at[1]):
        return ""
    equal, taken = _whole_texts(here.raw, at[0], at[0] + common)
    at = [at[0] + taken, at[1] + taken]
    for i in range(first + equal, count):
        ends = [_step(here.raw, at[0], 1), _step(there.raw, at[1], 1)]
        texts = here.raw[at[0] + 8 : ends[0]], there.raw[at[1] + 8 : ends[1]]
        if _text(texts[0], i) != _text(texts[1], i):
            left, right = (shown_bytes(text) for text in texts)
            return f"token {i} differs: {left} here, {right} there"
        at = ends
    return ""


def _step(raw: bytes, at: int, entries: int) -> int:
    """The place after so many (8-byte length, text) entries."""
    for _ in range(entries):
        at += 8 + int(_LENGTH.unpack_from(raw, at)[0])
    return at


def _whole_texts(raw: bytes, start: int, limit: int) -> tuple[int, int]:
    """How many entries from `start` end by `limit`, and the bytes that they take."""
    count, at, length = 0, start, _LENGTH.unpack_from
    with contextlib.suppress(struct.error):  # all of `raw` was taken
        for count in range(limit - start):  # noqa: B007 - at most one a byte
            end = at + 8 + length(raw, at)[0]
            if end > limit:
                break
            at = end
    return count, at - start


def _common_length(a: bytes, b: bytes) -> int:
    """Length of the common beginning, by bisection: comparing blocks is far quicker than bytes."""
    low, high = 0, min(len(a), len(b))
    while low < high:
        middle = (low + high + 1) // 2
        if a[low:middle] == b[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def _text(raw: bytes, index: int) -> bytes:
    """As llama.cpp compares it: up to the first zero byte, and never empty."""
    return raw.split(b"\0", 1)[0] if raw else b"[EMPTY_%d]" % index


def _doubt(target: GgufHeader, draft: GgufHeader) -> str:
    pre = [header.text("tokenizer.ggml.pre") or "default" for header in (target, draft)]
    if pre[0] != pre[1]:
        return f"texts are split otherwise: {shown(pre[0], 40)} here, {shown(pre[1], 40)} there"
    if target.chat_template != draft.chat_template:
        if draft.chat_template is None:
            return "the draft has no chat template; it may not be tuned for chats"
        return "the chat templates differ; the draft may be tuned for another format"
    return ""


def _agreement(target: GgufHeader, draft: GgufHeader) -> str:
    sizes = len(target.tokens), len(draft.tokens)
    if sizes[0] == sizes[1]:
        return f"the same vocabulary of {sizes[0]:,} tokens"
    return f"the first {min(sizes):,} tokens agree; {max(sizes):,} in the larger vocabulary"
