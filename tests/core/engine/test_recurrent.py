"""Models that keep a state besides the cache, or instead of it: what speculation takes back there
is as if it had never been decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import pytest

from core.engine.cache import TokenCache
from core.engine.reply import Ended, Grown, Limits, Reply
from core.engine.session import Session
from core.errors import SpecdecError
from core.llama.context import N_SNAPSHOTS, Context, Logits
from core.llama.model import Model
from core.protocol import DraftChoice, ModelOptions, Sampling
from tests.core.engine.conftest import GREEDY, answer, ask
from tests.support.tiny_gguf import write_draft_of, write_tiny_model

ONE_THREAD = ModelOptions(n_threads=1)
SEEDED = Sampling(temperature=0.8, seed=5)
TOKENS = np.random.default_rng(0).integers(33, 127, 64).tolist()
ROUNDING = 0.02
"""Batches of other sizes round otherwise; the logits of another state are off by ten."""
NO_DRAFT = DraftChoice(kind="none")


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with KIND.gguf and its draft KIND-draft.gguf, all of one vocabulary: lfm2 is a
    hybrid, `sliding` one whose attention has a window, mamba keeps nothing but a state, llama has
    none."""
    folder = tmp_path_factory.mktemp("zoo")
    for kind in ("lfm2", "sliding", "mamba", "llama"):
        target = write_tiny_model(
            folder / f"{kind}.gguf",
            arch="lfm2" if kind == "sliding" else kind,
            metadata={"lfm2.attention.sliding_window": 8} if kind == "sliding" else {},
            vocab_size=300,  # so few that a text repeats itself now and then, for prompt lookup
            n_layer=2,
            n_embd=64,
            n_ctx_train=1024,
            name=kind,
        )
        write_draft_of(folder / f"{kind}-draft.gguf", target, noise=0.05)
    return folder


def draft(zoo: Path, name: str) -> DraftChoice:
    """`lookup`, or the draft model of an architecture."""
    if name == "lookup":
        return DraftChoice(kind="lookup")
    return DraftChoice(kind="model", path=str(zoo / f"{name}-draft.gguf"))


def use(session: Session, choice: DraftChoice) -> None:
    session.use_drafter(*session.make_drafter(choice), choice)


OpenSession = Callable[..., Session]


@pytest.fixture
def open_session(zoo: Path) -> Iterator[OpenSession]:
    """Loads the target of an architecture, at a draft length."""
    opened: list[Session] = []

    def load(arch: str, draft_len: int = 5) -> Session:
        opened.append(Session(str(zoo / f"{arch}.gguf"), ONE_THREAD, draft_len))
        return opened[-1]

    yield load
    for session in opened:
        session.close()


OpenCache = Callable[..., TokenCache]


@pytest.fixture
def open_cache(zoo: Path) -> Iterator[OpenCache]:
    """Makes an empty cache for an architecture."""
    opened: list[Context] = []

    def load(arch: str, n_snapshots: int = N_SNAPSHOTS) -> TokenCache:
        model = Model(str(zoo / f"{arch}.gguf"), ONE_THREAD)
        opened.append(Context(model, ONE_THREAD, max_rows=65, n_snapshots=n_snapshots))
        return TokenCache(opened[-1])

    yield load
    for context in opened:
        context.close()
        context.model.close()


def never_rolled_back(cache: TokenCache, tokens: list[int]) -> Logits:
    """The logits after `tokens`, from a cache that holds nothing else."""
    cache.truncate(0)
    return cache.extend(tokens, 1).copy()


# ------------------------------------------------------------------ taking back


@pytest.mark.parametrize(
    ("arch", "n_snapshots", "n_batch"),
    [
        ("lfm2", N_SNAPSHOTS, 6),
        ("lfm2", 3, 12),
        ("lfm2", 0, 6),
        ("sliding", 3, 12),
        ("sliding", 0, 6),
        ("mamba", 0, 6),
        ("llama", 0, 6),
    ],
)
def test_what_is_taken_back_leaves_no_trace(
    open_cache: OpenCache, arch: str, n_snapshots: int, n_batch: int
):
    cache = open_cache(arch, n_snapshots)
    for kept in range(1, n_batch + 1):
        cache.truncate(0)
        cache.prefill(TOKENS[:20])
        for start in (20, 20 + kept):  # the second time while the first may be pending
            cache.extend_on_trial(TOKENS[start : start + n_batch])
            cache.truncate(start + kept)
            assert cache.tokens == TOKENS[: start + kept]
        after = cache.extend([7], 1).copy()
        expected = never_rolled_back(cache, [*TOKENS[: 20 + 2 * kept], 7])
        np.testing.assert_allclose(after, expected, atol=ROUNDING)


def test_guesses_decoded_one_by_one_are_taken_back(open_cache: OpenCache):
    for arch in ("lfm2", "mamba"):
        cache = open_cache(arch, 0)
        cache.prefill(TOKENS[:20])
        cache.checkpoint()
        for token in TOKENS[20:26]:
            cache.extend([token], 1)
        cache.truncate(23)
        after = cache.extend([7], 1).copy()
        np.testing.assert_allclose(
            after, never_rolled_back(cache, [*TOKENS[:23], 7]), atol=ROUNDING
        )


def test_snapshots_are_used_where_they_reach_and_not_beyond(open_cache: OpenCache):
    """llama.cpp would agree to more, and go on from a state that is another position's."""
    context = open_cache("lfm2").context
    assert context.n_snapshots == N_SNAPSHOTS
    context.decode(TOKENS[:20], 0)
    context.decode(TOKENS[20:26], 0)
    context.truncate(21)
    assert context.n_past == 21, "five of six tokens: snapshots"
    context.truncate(20)
    assert context.n_past == 0, "llama.cpp rolls back once between two batches"
    context.decode(TOKENS[:20], 0)
    context.decode(TOKENS[20:26], 0)
    context.truncate(20)
    assert context.n_past == 0, "the state before a batch is no snapshot of it"
    context.decode(TOKENS[:20], 0)
    for token in TOKENS[20:26]:
        context.decode([token], 0)
    context.truncate(25)
    assert context.n_past == 0, "batches of one have none"


def test_only_what_can_use_snapshots_has_them(
    zoo: Path, open_session: OpenSession, open_cache: OpenCache
):
    assert open_cache("mamba").context.n_snapshots == 0
    session = open_session("lfm2")
    use(session, draft(zoo, "lfm2"))
    assert session.target.context.n_snapshots == N_SNAPSHOTS
    assert session.drafter.cache.context.n_snapshots == 0, "it decodes token by token"


def test_llama_cpps_graph_has_room_for_the_snapshots_of_a_deep_model(tmp_path: Path):
    write_tiny_model(tmp_path / "deep.gguf", arch="lfm2", n_layer=30)
    session = Session(str(tmp_path / "deep.gguf"), ONE_THREAD, 5)  # where not, llama.cpp aborts
    session.close()


def test_lasting_checkpoints_outlive_the_passing_ones(open_cache: OpenCache):
    context = open_cache("mamba").context
    for start in (0, 10, 20, 30):
        context.decode(TOKENS[start : start + 10], 0)
        context.checkpoint(lasting=True)
    for start in (40, 50):
        context.decode(TOKENS[start : start + 10], 0)
        context.checkpoint()
    context.decode(TOKENS[60:], 0)
    reached = []
    for n_past in (63, 59, 39, 29):
        context.truncate(n_past)
        reached.append(context.n_past)
    assert reached == [60, 40, 30, 0]


# ------------------------------------------------------------------ replies

PAIRS = [
    ("lfm2", "lfm2", 5),
    ("lfm2", "lfm2", 12),
    ("lfm2", "lookup", 5),
    ("lfm2", "llama", 5),
    ("sliding", "sliding", 12),
    ("mamba", "mamba", 5),
    ("mamba", "lookup", 5),
    ("llama", "mamba", 5),
    ("llama", "lfm2", 5),
]


@pytest.mark.parametrize(("arch", "drafter", "draft_len"), PAIRS)
@pytest.mark.parametrize("sampling", [GREEDY, SEEDED], ids=["greedy", "seeded"])
def test_the_text_is_the_same_with_and_without_a_draft(
    zoo: Path,
    open_session: OpenSession,
    arch: str,
    drafter: str,
    draft_len: int,
    sampling: Sampling,
):
    session = open_session(arch, draft_len)
    _, alone = answer(session, ask("once upon a time"), sampling, max_tokens=200)
    session.forget()
    use(session, draft(zoo, drafter))
    _, drafted = answer(session, ask("once upon a time"), sampling, max_tokens=200)
    assert drafted.text == alone.text
    assert drafted.stats.n_drafted > drafted.stats.n_accepted, "something was taken back"
    if drafter == arch:
        assert drafted.stats.tokens_per_round > 1.5


@pytest.mark.parametrize(("arch", "drafter", "draft_len"), PAIRS)
def test_a_rejection_costs_no_more_than_the_round(
    zoo: Path,
    open_session: OpenSession,
    monkeypatch: pytest.MonkeyPatch,
    arch: str,
    drafter: str,
    draft_len: int,
):
    session = open_session(arch, draft_len)
    use(session, draft(zoo, drafter))
    sizes: list[int] = []
    decode = Context.decode

    def counted(context: Context, tokens: Sequence[int], n_rows: int) -> Logits:
        sizes.append(len(tokens))
        return decode(context, tokens, n_rows)

    monkeypatch.setattr(Context, "decode", counted)
    drafts = False
    for step in Reply(session, ask("once upon a time"), GREEDY, Limits(200)).steps():
        if isinstance(step, Ended):
            end = step
        elif not drafts:  # the prompt, and the rounds that measure the target alone
            sizes.clear()
            drafts = isinstance(step, Grown) and bool(step.round.drafted)
    assert end.stats.n_drafted > end.stats.n_accepted
    assert max(sizes) == draft_len + 1


@pytest.mark.parametrize("arch", ["lfm2", "mamba"])
def test_another_reply_to_the_same_prompt_prefills_nothing(
    zoo: Path, open_session: OpenSession, arch: str
):
    session = open_session(arch)
    _, alone = answer(session, ask("word " * 40))
    use(session, draft(zoo, arch))
    for _ in range(2):
        _, again = answer(session, ask("word " * 40))
        assert again.text == alone.text
        assert again.stats.n_prefilled == 0
        assert again.stats.n_drafted > 0
    drafter = session.drafter
    drafter.begin(session.target.tokens[: again.stats.n_prompt], lambda _done: False)
    assert len(drafter.cache.tokens) == again.stats.n_prompt - 1, "nor does the draft"


@pytest.mark.parametrize("arch", ["lfm2", "mamba"])
def test_a_further_turn_prefills_only_what_is_new(zoo: Path, open_session: OpenSession, arch: str):
    session = open_session(arch)
    use(session, draft(zoo, arch))
    _, one = answer(session, ask("word " * 40))
    turn = ask("word " * 40, one.text, "more")
    _, two = answer(session, turn)
    assert two.stats.n_prefilled < 30
    use(session, NO_DRAFT)
    session.target.truncate(0)
    _, alone = answer(session, turn)
    assert alone.stats.n_reused == 0
    assert alone.text == two.text


@pytest.mark.parametrize("arch", ["lfm2", "mamba"])
def test_an_edited_turn_goes_back_to_the_end_of_the_prompt_before(
    open_session: OpenSession, arch: str
):
    session = open_session(arch)
    _, one = answer(session, ask("word " * 40))
    answer(session, ask("word " * 40, one.text, "more"))
    _, edited = answer(session, ask("word " * 40, one.text, "less"))
    assert edited.stats.n_reused == one.stats.n_prompt - 1


@pytest.mark.parametrize("arch", ["lfm2", "mamba"])
def test_drafts_are_exchanged_in_mid_reply(zoo: Path, open_session: OpenSession, arch: str):
    session = open_session(arch)
    _, alone = answer(session, ask("once upon a time"), max_tokens=90)
    changes = {4: draft(zoo, arch), 9: draft(zoo, "lookup"), 15: NO_DRAFT, 20: draft(zoo, "llama")}
    drafters = set()
    steps = Reply(session, ask("once upon a time"), GREEDY, Limits(90)).steps()
    for i, step in enumerate(steps):
        if i in changes:
            use(session, changes[i])
        if isinstance(step, Grown):
            drafters.add(step.round.drafter)
        if isinstance(step, Ended):
            end = step
    assert end.text == alone.text
    assert len(drafters) == 4


# ------------------------------------------------------------------ where it fails


def test_a_state_that_cannot_be_saved_is_said_before_a_reply(
    zoo: Path, open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
):
    target = open_session("llama")
    monkeypatch.setattr(llama_cpp, "llama_state_seq_get_data_ext", lambda *_: 0)
    with pytest.raises(SpecdecError, match="cannot save, so it cannot draft"):
        target.make_drafter(draft(zoo, "mamba"))
    session = open_session("mamba")
    with pytest.raises(SpecdecError, match=r"mamba keeps a recurrent state.*without a draft"):
        session.make_drafter(DraftChoice(kind="lookup"))
    _, end = answer(session, ask("hello"), max_tokens=5)
    assert end.stats.n_tokens == 5
    hybrid = open_session("lfm2", 20)
    use(hybrid, draft(zoo, "llama"))
    rounds, _ = answer(hybrid, ask("hello"))
    assert max(len(grown.round.drafted) for grown in rounds) == N_SNAPSHOTS, "no further than that"


def test_a_checkpoint_that_fails_ends_the_reply_with_the_cause(
    zoo: Path, open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
):
    session = open_session("mamba")
    use(session, draft(zoo, "mamba"))
    monkeypatch.setattr(llama_cpp, "llama_state_seq_get_data_ext", lambda *_: 0)
    with pytest.raises(SpecdecError, match="could not save the recurrent state"):
        answer(session, ask("hello"))


def test_a_restore_that_fails_costs_time_and_no_text(
    zoo: Path, open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
):
    session = open_session("mamba")
    _, alone = answer(session, ask("hello"))
    use(session, draft(zoo, "mamba"))
    monkeypatch.setattr(llama_cpp, "llama_state_seq_set_data_ext", lambda *_: 0)
    _, drafted = answer(session, ask("hello"))
    assert drafted.text == alone.text
    assert drafted.stats.n_drafted > drafted.stats.n_accepted


def test_a_batch_that_fails_leaves_nothing_of_a_state(
    open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
):
    session = open_session("mamba")
    _, before = answer(session, ask("hello"))
    with monkeypatch.context() as patched:
        patched.setattr(llama_cpp, "llama_decode", lambda *_: -3)
        with pytest.raises(SpecdecError, match="status -3"):
            answer(session, ask("hello"))
    _, after = answer(session, ask("hello"))
    assert after.stats.n_reused == 0
    assert after.text == before.text


def test_a_model_without_a_state_saves_none(
    zoo: Path, open_session: OpenSession, monkeypatch: pytest.MonkeyPatch
):
    def save(*_: object) -> int:
        raise AssertionError

    monkeypatch.setattr(llama_cpp, "llama_state_seq_get_data_ext", save)
    session = open_session("llama")
    use(session, draft(zoo, "llama"))
    _, end = answer(session, ask("hello"))
    assert end.stats.n_drafted > 0
