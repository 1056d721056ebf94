"""Writes a trained model and its tokenizer as one GGUF file that any llama.cpp loads."""

import json
from pathlib import Path

import gguf
import numpy as np
from tokenizers import Tokenizer
from torch import Tensor

from core.demo.corpus import IM_END
from core.demo.model import Shape
from core.demo.tokenizer import CHAT_TEMPLATE, END_OF_TEXT, SPECIAL

N_CTX = 2048


def _add_vocabulary(writer: gguf.GGUFWriter, tokenizer: Tokenizer) -> None:
    vocab = tokenizer.get_vocab()
    tokens = sorted(vocab, key=lambda token: vocab[token])
    control, normal = gguf.TokenType.CONTROL, gguf.TokenType.NORMAL
    merges = json.loads(tokenizer.to_str())["model"]["merges"]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_types([control if token in SPECIAL else normal for token in tokens])
    writer.add_token_merges([m if isinstance(m, str) else " ".join(m) for m in merges])
    writer.add_eos_token_id(vocab[IM_END])
    writer.add_eot_token_id(vocab[IM_END])
    writer.add_pad_token_id(vocab[END_OF_TEXT])
    writer.add_add_bos_token(False)
    writer.add_add_eos_token(False)
    writer.add_chat_template(CHAT_TEMPLATE)


def _add_shape(writer: gguf.GGUFWriter, shape: Shape) -> None:
    writer.add_context_length(N_CTX)
    writer.add_embedding_length(shape.n_embd)
    writer.add_block_count(shape.n_layer)
    writer.add_feed_forward_length(shape.n_ff)
    writer.add_head_count(shape.n_head)
    writer.add_head_count_kv(shape.n_head_kv)
    writer.add_rope_dimension_count(shape.head_dim)
    writer.add_rope_freq_base(shape.rope_base)
    writer.add_layer_norm_rms_eps(shape.norm_eps)
    writer.add_vocab_size(shape.n_vocab)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)


def _gguf_name(name: str) -> str:
    return name.replace("blocks.", "blk.")


def export(
    path: Path, name: str, shape: Shape, weights: dict[str, Tensor], tokenizer: Tokenizer
) -> None:
    """Write `path` in one step: matrices as F16, norms as F32, embeddings tied.

    `weights` is the state dict of `core.demo.model.Llama` with that shape.
    """
    partial = path.with_suffix(".partial")
    writer = gguf.GGUFWriter(str(partial), "llama")
    writer.add_name(name)
    writer.add_description("Demonstration model of specdec-tui, trained from scratch.")
    writer.add_license("mit")
    _add_shape(writer, shape)
    _add_vocabulary(writer, tokenizer)
    for key, tensor in weights.items():
        values = tensor.detach().float().numpy()
        dtype = np.float16 if values.ndim == 2 else np.float32
        writer.add_tensor(_gguf_name(key), values.astype(dtype))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(path)
