"""What a round tells of its tokens: how they came, how sure the draft was, what they are."""

from __future__ import annotations

from core import wire
from core.engine.events import Naming, event_of
from core.engine.session import Session
from core.protocol import Round, Sampling
from tests.core.engine.conftest import UseDraft, answer, ask, tokens_of

PROMPT = "Once upon a time there was a time"
WARM = Sampling(temperature=1.0, seed=5)


def test_each_token_is_named_once_and_all_of_them_are(
    session: Session, use_draft: UseDraft
) -> None:
    use_draft("poor")
    naming = Naming(session.model)
    rounds, end = answer(session, ask(PROMPT), WARM, max_tokens=150)
    events = [event_of("1", grown, naming) for grown in rounds]
    told = [piece for event in events for piece in event.pieces]  # type: ignore[union-attr]
    assert len({piece.id for piece in told}) == len(told)
    known = {p.id: b"" if p.control else p.piece.encode("latin-1") for p in told}
    data = b"".join(known[token] for token in tokens_of(rounds))
    assert data.decode(errors="replace") == end.text
    rejected = {id for event in events for id in event.rejected}  # type: ignore[union-attr]
    assert rejected and rejected <= known.keys()
    again = [event_of("2", grown, naming) for grown in rounds]
    assert not any(event.pieces for event in again)  # type: ignore[union-attr]


def test_a_control_token_is_told_by_its_name(session: Session) -> None:
    (piece,) = Naming(session.model).new([session.model.eos])
    assert piece.control and piece.piece == session.model.token_text(session.model.eos) != ""


def test_a_draft_says_how_sure_it_was_of_what_was_rejected_and_a_lookup_does_not(
    session: Session, use_draft: UseDraft
) -> None:
    for draft, says in (("poor", True), ("lookup", False)):
        use_draft(draft)
        rounds, _ = answer(session, ask(PROMPT), max_tokens=120)
        events = [event_of("1", grown) for grown in rounds]
        lost = [event for event in events if isinstance(event, Round) and event.rejected]
        assert lost
        for event in lost:
            assert len(event.rejected_p) == (len(event.rejected) if says else 0)
            assert all(p is not None and 0 < p <= 1 for p in event.rejected_p)
            assert wire.read_event(wire.write(event)) == event
