"""The network of both models: Llama's architecture in PyTorch, laid out as llama.cpp reads it.

RoPE turns interleaved pairs (2i, 2i + 1), which is what llama.cpp applies to the architecture
`llama`, so the weights are exported without a permutation.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as fn


@dataclass(frozen=True)
class Shape:
    """The sizes of a model."""

    n_vocab: int
    n_layer: int
    n_embd: int
    n_head: int
    n_head_kv: int
    n_ff: int
    rope_base: float = 10_000.0
    norm_eps: float = 1e-5

    @property
    def head_dim(self) -> int:
        """Width of one attention head."""
        return self.n_embd // self.n_head


def rope_tables(shape: Shape, n: int) -> tuple[Tensor, Tensor]:
    """Cosine and sine of every angle, each (n, head_dim / 2)."""
    steps = torch.arange(0, shape.head_dim, 2, dtype=torch.float32) / shape.head_dim
    angles = torch.outer(torch.arange(n, dtype=torch.float32), shape.rope_base**-steps)
    return angles.cos(), angles.sin()


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Apply RoPE to x of (batch, n, heads, head_dim)."""
    cos, sin = cos[None, :, None, :].to(x.dtype), sin[None, :, None, :].to(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)


class Block(nn.Module):
    """One layer: attention and SwiGLU, each behind an RMSNorm and added to the stream."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        n, kv = shape.n_embd, shape.n_head_kv * shape.head_dim
        self.attn_norm = nn.RMSNorm(n, eps=shape.norm_eps)
        self.attn_q = nn.Linear(n, n, bias=False)
        self.attn_k = nn.Linear(n, kv, bias=False)
        self.attn_v = nn.Linear(n, kv, bias=False)
        self.attn_output = nn.Linear(n, n, bias=False)
        self.ffn_norm = nn.RMSNorm(n, eps=shape.norm_eps)
        self.ffn_gate = nn.Linear(n, shape.n_ff, bias=False)
        self.ffn_up = nn.Linear(n, shape.n_ff, bias=False)
        self.ffn_down = nn.Linear(shape.n_ff, n, bias=False)

    def attend(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """Causal attention over x of (batch, n, n_embd)."""
        batch, n, _ = x.shape
        dim = self.shape.head_dim
        q = rotate(self.attn_q(x).view(batch, n, -1, dim), cos, sin).transpose(1, 2)
        k = rotate(self.attn_k(x).view(batch, n, -1, dim), cos, sin).transpose(1, 2)
        v = self.attn_v(x).view(batch, n, -1, dim).transpose(1, 2)
        groups = self.shape.n_head // self.shape.n_head_kv
        if groups > 1:
            k, v = k.repeat_interleave(groups, 1), v.repeat_interleave(groups, 1)
        y = fn.scaled_dot_product_attention(q, k, v, is_causal=True)
        return self.attn_output(y.transpose(1, 2).reshape(batch, n, -1))  # type: ignore[no-any-return]

    def forward(self, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        """The stream after this layer, (batch, n, n_embd)."""
        x = x + self.attend(self.attn_norm(x), cos, sin)
        h = self.ffn_norm(x)
        return x + self.ffn_down(fn.silu(self.ffn_gate(h)) * self.ffn_up(h))  # type: ignore[no-any-return]


class Llama(nn.Module):
    """The whole model with tied embeddings."""

    def __init__(self, shape: Shape) -> None:
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.n_vocab, shape.n_embd)
        self.blocks = nn.ModuleList(Block(shape) for _ in range(shape.n_layer))
        self.output_norm = nn.RMSNorm(shape.n_embd, eps=shape.norm_eps)
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                depth = (2 * shape.n_layer) ** -0.5 if "output" in name or "down" in name else 1.0
                nn.init.normal_(
                    weight, std=0.02 if "embd" in name else depth * weight.shape[1] ** -0.5
                )

    def hidden(self, tokens: Tensor) -> Tensor:
        """The normed stream for tokens of (batch, n): (batch, n, n_embd)."""
        cos, sin = rope_tables(self.shape, tokens.shape[1])
        x = self.token_embd(tokens)
        for block in self.blocks:
            x = block(x, cos, sin)
        return self.output_norm(x)  # type: ignore[no-any-return]

    def logits(self, hidden: Tensor) -> Tensor:
        """Scores of the vocabulary for rows of `hidden`."""
        return fn.linear(hidden, self.token_embd.weight)

    def forward(self, tokens: Tensor) -> Tensor:
        """Logits of (batch, n, n_vocab)."""
        return self.logits(self.hidden(tokens))
