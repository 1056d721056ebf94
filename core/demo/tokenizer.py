"""The tokenizer of the pair: byte-level BPE of 2,048 tokens that llama.cpp reproduces exactly."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import numpy as np
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers

from core.demo.corpus import IM_END, IM_START, Conversation, conversations

END_OF_TEXT = "<|endoftext|>"
SPECIAL = (END_OF_TEXT, IM_START, IM_END)
VOCAB_SIZE = 2048

# llama.cpp's pre-tokenizer "qwen2"; digits stand alone, which helps small models with sums.
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)

CHAT_TEMPLATE = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}"
)


def _byte_level(model: models.BPE) -> Tokenizer:
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer


def train_tokenizer(seed: int, n_conversations: int = 30_000) -> Tokenizer:
    """Train the tokenizer on the first conversations of the corpus of `seed`."""
    tokenizer = _byte_level(models.BPE())
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB_SIZE,
        special_tokens=list(SPECIAL),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    texts = (
        message
        for talk in islice(conversations(seed), n_conversations)
        for turn in talk.turns
        for message in turn
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def from_vocabulary(tokens: list[str], merges: list[str]) -> Tokenizer:
    """The tokenizer that a GGUF file describes by its tokens and merges ("left right")."""
    pairs = [(left, right) for left, _, right in (merge.partition(" ") for merge in merges)]
    model = models.BPE(vocab={token: i for i, token in enumerate(tokens)}, merges=pairs)
    return _byte_level(model)


def load_tokenizer(path: Path) -> Tokenizer:
    """The tokenizer saved at `path`."""
    return Tokenizer.from_file(str(path))


def encode(
    tokenizer: Tokenizer, talks: Sequence[Conversation]
) -> list[tuple[np.ndarray, np.ndarray]]:
    """Token ids (int16) of each conversation, and which of them the assistant writes (bool)."""
    pieces = [piece for talk in talks for piece in talk.segments()]
    encoded = iter(tokenizer.encode_batch_fast([text for text, _ in pieces]))
    result = []
    for talk in talks:
        ids: list[int] = []
        own: list[bool] = []
        for _, is_reply in talk.segments():
            part = next(encoded).ids
            ids += part
            own += [is_reply] * len(part)
        result.append((np.array(ids, np.int16), np.array(own, bool)))
    return result
