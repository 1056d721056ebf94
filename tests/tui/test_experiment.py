"""What exchanging the draft has brought is said once it is known, with the list's own figures."""

from __future__ import annotations

import pytest

from core.protocol import ReplyStats
from tui.choices import LOOKUP, NONE, DraftOption
from tui.experiment import ENOUGH, begin
from tui.scores import Score, Scores
from tui.widgets.draft_list import score_texts, share_text

NAMES = {"lookup": "prompt lookup", "/m/small.gguf": "small", "none": "no draft"}
SMALL = DraftOption("model", "small", "/m/small.gguf")


def scores(**tokens: int) -> Scores:
    """Scores of drafts that ran at 100 tok/s, the model at 200, with a baseline of 80."""
    keys = {"small": SMALL.key}
    rate = {"small": 200.0}
    by_draft = {
        keys.get(name, name): Score(
            n_tokens=n, seconds=n / rate.get(name, 100.0), n_compared=n, alone_s=n / 80.0
        )
        for name, n in tokens.items()
    }
    return Scores(by_draft)


def test_a_result_needs_enough_tokens_of_both() -> None:
    assert begin(scores(lookup=200), "lookup", SMALL.key).result(scores(lookup=200)) is None
    experiment = begin(scores(lookup=200, small=30), "lookup", SMALL.key)
    assert experiment.result(scores(lookup=200, small=30 + ENOUGH - 1)) is None
    assert experiment.result(scores(lookup=ENOUGH - 1, small=300)) is None
    result = experiment.result(scores(lookup=200, small=30 + ENOUGH))
    assert result and result.gain == pytest.approx(1.0)


def test_the_sentence_has_the_figures_of_the_list() -> None:
    known = scores(lookup=200, small=300)
    result = begin(Scores(), "lookup", SMALL.key).result(known)
    assert result
    sentence = result.sentence(NAMES.__getitem__)
    assert sentence == "small 200 tok/s (2.50×) · before: prompt lookup 100 (1.25×)"
    assert result.short(NAMES.__getitem__) == "100% more tok/s than prompt lookup"
    for draft in (LOOKUP, SMALL):
        rate, speedup, _ = score_texts(known, draft)
        assert rate in sentence and speedup in sentence


def test_what_has_no_baseline_has_no_factor_and_a_loss_is_said() -> None:
    known = Scores({SMALL.key: Score(100, 1.0), "none": Score(100, 0.5)})
    result = begin(Scores(), "none", SMALL.key).result(known)
    assert result
    assert result.sentence(NAMES.__getitem__) == "small 100 tok/s · before: no draft 200"
    assert result.short(NAMES.__getitem__) == "50% fewer tok/s than no draft"


def test_the_target_alone_has_no_factor_against_itself() -> None:
    result = begin(Scores(), SMALL.key, "none").result(scores(small=200, none=300))
    assert result
    assert result.sentence(NAMES.__getitem__) == "no draft 100 tok/s · before: small 200 (2.50×)"


def test_proposals_are_credited_to_the_draft_that_made_them() -> None:
    known = Scores()
    known.record("r", "lookup", ReplyStats(n_tokens=2, n_drafted=4, n_accepted=1), 2)
    stats = ReplyStats(n_tokens=50, n_drafted=24, n_accepted=16, decode_tok_s=100)
    known.record("r", SMALL.key, stats, 2)
    lookup, small = known.by_draft["lookup"], known.by_draft[SMALL.key]
    assert (lookup.n_accepted, lookup.n_drafted) == (1, 4)
    assert (small.n_accepted, small.n_drafted) == (15, 20)
    assert (share_text(known, SMALL), share_text(known, NONE)) == ("75%", "")


def test_replies_at_other_depths_are_compared_with_the_target_alone_there() -> None:
    known = Scores()
    for reply, (n, tok_s) in enumerate(((100, 100.0), (100, 20.0), (300, 10.0))):
        for part in (n // 2, n):
            alone_s = part / (tok_s / 2)
            stats = ReplyStats(
                n_tokens=part + 2, decode_tok_s=tok_s, n_compared=part, alone_s=alone_s
            )
            known.record(str(reply), SMALL.key, stats, 2)
    assert known.by_draft[SMALL.key].speedup == pytest.approx(2.0)


def test_a_draft_exchanged_in_mid_reply_is_compared_with_what_its_own_tokens_would_take() -> None:
    known = Scores()
    first = ReplyStats(n_tokens=102, decode_tok_s=100.0, n_compared=100, alone_s=2.0)
    known.record("r", "lookup", first, 2)
    # 100 further tokens in 4 s, for which the target alone would have taken 8
    both = ReplyStats(n_tokens=202, decode_tok_s=200 / 5, n_compared=200, alone_s=10.0)
    known.record("r", SMALL.key, both, 2)
    for draft in ("lookup", SMALL.key):
        assert known.by_draft[draft].speedup == pytest.approx(2.0)
