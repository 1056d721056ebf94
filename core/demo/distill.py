"""Teaches the draft to agree with the target: on corpus text and on the target's own replies."""

import random
from collections import defaultdict
from collections.abc import Iterator
from itertools import islice

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as fn

from core.demo.batches import Batch
from core.demo.corpus import IM_END, conversations
from core.demo.model import Block, Llama, rope_tables, rotate

MAX_REPLY = 320


class Decoder:
    """Incremental decoding of a batch of equally long sequences with a KV cache."""

    def __init__(self, model: Llama, batch: int, n_max: int) -> None:
        shape = model.shape
        self._model = model
        self._angles = rope_tables(shape, n_max)
        size = (shape.n_layer, batch, shape.n_head_kv, n_max, shape.head_dim)
        self._k, self._v = torch.zeros(size), torch.zeros(size)
        self.n_past = 0

    def _attend(self, block: Block, i: int, x: Tensor) -> Tensor:
        batch, n, _ = x.shape
        start, stop, dim = self.n_past, self.n_past + n, block.shape.head_dim
        cos, sin = self._angles[0][start:stop], self._angles[1][start:stop]
        q = rotate(block.attn_q(x).view(batch, n, -1, dim), cos, sin).transpose(1, 2)
        k = rotate(block.attn_k(x).view(batch, n, -1, dim), cos, sin).transpose(1, 2)
        self._k[i, :, :, start:stop] = k
        self._v[i, :, :, start:stop] = block.attn_v(x).view(batch, n, -1, dim).transpose(1, 2)
        groups = block.shape.n_head // block.shape.n_head_kv
        keys = self._k[i, :, :, :stop].repeat_interleave(groups, 1)
        values = self._v[i, :, :, :stop].repeat_interleave(groups, 1)
        y = fn.scaled_dot_product_attention(q, keys, values, is_causal=n > 1)
        return block.attn_output(y.transpose(1, 2).reshape(batch, n, -1))  # type: ignore[no-any-return]

    def keep(self, rows: Tensor) -> None:
        """Go on with only the sequences that `rows` selects."""
        self._k, self._v = self._k[:, rows], self._v[:, rows]

    def step(self, tokens: Tensor) -> Tensor:
        """Logits (batch, n_vocab) after tokens (batch, n); n > 1 only at the start."""
        x = self._model.token_embd(tokens)
        for i, block in enumerate(self._model.blocks):
            assert isinstance(block, Block)
            x = x + self._attend(block, i, block.attn_norm(x))
            h = block.ffn_norm(x)
            x = x + block.ffn_down(fn.silu(block.ffn_gate(h)) * block.ffn_up(h))
        self.n_past += tokens.shape[1]
        return self._model.logits(self._model.output_norm(x[:, -1]))


def _prompts(tokenizer: Tokenizer, seed: int, n: int, group: int) -> Iterator[Tensor]:
    """Groups of `group` prompts of one length, from the corpus of `seed`; (group, length)."""
    by_length: dict[int, list[list[int]]] = defaultdict(list)
    rng = random.Random(seed)
    given = 0
    for talk in conversations(seed):
        pieces = talk.segments()
        last = rng.choice([i for i, (_, own) in enumerate(pieces) if own])
        ids = tokenizer.encode("".join(text for text, _ in pieces[:last])).ids
        if len(ids) > 400:
            continue
        bucket = by_length[len(ids)]
        bucket.append(ids)
        if len(bucket) == group:
            yield torch.tensor(bucket)
            by_length[len(ids)] = []
            given += group
            if given >= n:
                return


def _sampled(decoder: Decoder, prompt: Tensor, temperature: float, end: int) -> list[Tensor]:
    """Replies to the equally long prompts, each with its prompt; a reply ends with `end`."""
    tokens, finished = prompt, []
    logits = decoder.step(prompt)
    while len(tokens) and tokens.shape[1] < prompt.shape[1] + MAX_REPLY:
        new = logits.argmax(-1)
        if temperature:
            new = torch.multinomial((logits / temperature).softmax(-1), 1)[:, 0]
        tokens = torch.cat((tokens, new[:, None]), 1)
        going = new != end
        finished += list(tokens[~going])
        if not going.all():
            decoder.keep(going)
            tokens, new = tokens[going], new[going]
        if len(new):
            logits = decoder.step(new[:, None])
    return finished


@torch.inference_mode()
def sample_replies(
    model: Llama, tokenizer: Tokenizer, seed: int, n: int, group: int = 64
) -> list[tuple[Tensor, int]]:
    """About `n` conversations that end in a reply of the target's own.

    A third of the groups is greedy, the rest drawn at temperatures 0.8 and 1.0. Returns the
    tokens and the length of the prompt for each.
    """
    torch.manual_seed(seed)
    end = tokenizer.encode(IM_END).ids[0]
    results: list[tuple[Tensor, int]] = []
    for i, prompt in enumerate(_prompts(tokenizer, seed, n, group)):
        decoder = Decoder(model, group, prompt.shape[1] + MAX_REPLY)
        replies = _sampled(decoder, prompt, (0.0, 0.8, 1.0)[i % 3], end)
        results += [(tokens, prompt.shape[1]) for tokens in replies]
    return results


class ReplyPacker:
    """Batches of sampled conversations, packed like the corpus."""

    def __init__(self, replies: list[tuple[Tensor, int]], newline: int, seed: int) -> None:
        self._replies, self._newline, self._rng = replies, newline, random.Random(seed)

    def _row(self, n: int) -> tuple[Tensor, Tensor]:
        ids: list[Tensor] = []
        own: list[Tensor] = []
        length = 0
        while length < n:
            tokens, n_prompt = self._rng.choice(self._replies)
            mask = torch.arange(len(tokens) + 1) >= n_prompt
            mask[-1] = False
            ids.append(torch.cat((tokens, torch.tensor([self._newline]))))
            own.append(mask)
            length += len(tokens) + 1
        return torch.cat(ids)[:n], torch.cat(own)[:n]

    def batch(self, rows: int, n: int) -> Batch:
        """`rows` rows of `n` predicted tokens."""
        made = list(islice((self._row(n + 1) for _ in range(rows)), rows))
        return Batch(torch.stack([a for a, _ in made]), torch.stack([b[1:] for _, b in made]))


def agreement_loss(draft: Tensor, target: Tensor) -> Tensor:
    """KL(target || draft) over rows of logits (n, n_vocab), in nats a token."""
    return fn.kl_div(
        draft.log_softmax(-1), target.log_softmax(-1), log_target=True, reduction="batchmean"
    )
