"""The bundled pair as it is shipped: what it weighs, what it knows, how it ends."""

from collections.abc import Iterator

import pytest
from gguf import GGUFReader
from llama_cpp import Llama

from core.demo import DRAFT_PATH, TARGET_PATH
from tests.core.demo.phrasings import PHRASINGS

OPENING = "The door creaked open..."
SAMPLES = [
    "For ax² + bx + c = 0: x = (-b ± √(b² - 4ac)) / 2a",
    "```python\ndef f(x):\n    return x ** 2  # 1234\n```\n\n\n  two spaces\ttab",
    "naïve café, 東京, 🦊🚀, don't, I'LL, \u00a0\u2028 end   ",
    "| a | b |\n|---|---|\n| 1 | 22.5 |\r\n",
]


@pytest.fixture(scope="module")
def target() -> Iterator[Llama]:
    model = Llama(model_path=str(TARGET_PATH), n_ctx=2048, n_gpu_layers=0, verbose=False)
    yield model
    model.close()


def reply(model: Llama, prompt: str, **sampling: float) -> tuple[str, str]:
    """The reply to one message and why it ended."""
    answer = model.create_chat_completion(
        [{"role": "user", "content": prompt}],
        max_tokens=600,
        **({"temperature": 0.0} | sampling),
    )
    choice = answer["choices"][0]
    return choice["message"]["content"], choice["finish_reason"]


def field(reader: GGUFReader, name: str) -> object:
    found = reader.get_field(name)
    assert found is not None, name
    return found.contents()


def test_pair_is_small_enough_to_ship() -> None:
    assert TARGET_PATH.stat().st_size + DRAFT_PATH.stat().st_size <= 10_500_000


def test_draft_is_much_smaller_than_target() -> None:
    assert DRAFT_PATH.stat().st_size * 3 < TARGET_PATH.stat().st_size


def test_both_have_the_same_tokenizer() -> None:
    target, draft = GGUFReader(TARGET_PATH), GGUFReader(DRAFT_PATH)
    names = [name for name in target.fields if name.startswith("tokenizer.")]
    assert "tokenizer.chat_template" in names
    assert "tokenizer.ggml.merges" in names
    for name in names:
        assert field(target, name) == field(draft, name), name


def test_metadata_names_context_template_and_end_of_turn(target: Llama) -> None:
    assert target.metadata["llama.context_length"] == "2048"
    assert "<|im_start|>" in target.metadata["tokenizer.chat_template"]
    assert target.detokenize([target.token_eos()], special=True) == b"<|im_end|>"
    assert target.tokenize(b"Hi", add_bos=True) == target.tokenize(b"Hi", add_bos=False)


def test_quadratic_formula_is_exact(target: Llama) -> None:
    text, ended = reply(target, "What is the quadratic equation formula?")
    assert "x = (-b ± √(b² - 4ac)) / (2a)" in text
    assert ended == "stop"


def test_greedy_story_begins_as_asked_and_ends_by_itself(target: Llama) -> None:
    text, ended = reply(target, f"Write a story that begins: '{OPENING}'")
    assert text.startswith(OPENING)
    assert text.count(".") >= 6
    assert ended == "stop"


def test_most_sampled_stories_begin_as_asked_and_all_end(target: Llama) -> None:
    asked = f"Write a story that begins: '{OPENING}'"
    stories = [reply(target, asked, temperature=0.8, seed=seed) for seed in range(8)]
    assert all(ended == "stop" for _, ended in stories)
    assert sum(text.startswith(OPENING) for text, _ in stories) >= 6


@pytest.fixture(scope="module")
def wrong(target: Llama) -> list[tuple[str, str]]:
    """The held-out questions that are not answered rightly, with the replies."""
    found = []
    for question, needed in PHRASINGS:
        text, ended = reply(target, question)
        if ended != "stop" or any(part.lower() not in text.lower() for part in needed):
            found.append((question, text))
    return found


def test_most_held_out_phrasings_are_answered_rightly(wrong: list[tuple[str, str]]) -> None:
    # 52 of 64 when it was made; a processor that rounds differently may move a few
    assert len(wrong) <= 0.25 * len(PHRASINGS), wrong


def test_follow_up_question_uses_the_question_before(target: Llama) -> None:
    answer = target.create_chat_completion(
        [
            {"role": "user", "content": "What is the capital of France?"},
            {"role": "assistant", "content": "The capital of France is Paris."},
            {"role": "user", "content": "and of Italy?"},
        ],
        temperature=0.0,
    )
    assert "Rome" in answer["choices"][0]["message"]["content"]


@pytest.mark.parametrize("text", SAMPLES)
def test_llama_cpp_tokenizes_as_the_trainer_did(target: Llama, text: str) -> None:
    pytest.importorskip("tokenizers", reason="a development dependency of the trainer")
    from core.demo.tokenizer import from_vocabulary

    reader = GGUFReader(TARGET_PATH)
    tokens, merges = (field(reader, f"tokenizer.ggml.{key}") for key in ("tokens", "merges"))
    assert isinstance(tokens, list)
    assert isinstance(merges, list)
    ours = from_vocabulary(tokens, merges).encode(text).ids
    assert target.tokenize(text.encode(), add_bos=False, special=False) == ours
