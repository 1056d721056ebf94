"""What happens in a reply, as events on the wire."""

from __future__ import annotations

from collections.abc import Sequence

from core import protocol
from core.engine.reply import Ended, Grown, Trimmed
from core.llama.model import Model
from core.protocol import Origin, TokenInfo, TokenPiece


class Naming:
    """Says once what each token of a target's vocabulary is, so that a round costs next to nothing
    more than its numbers."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._told: set[int] = set()

    def new(self, tokens: Sequence[int]) -> list[TokenPiece]:
        """Those of `tokens` that were not told before."""
        fresh = [token for token in tokens if token not in self._told]
        if not fresh:
            return []
        self._told.update(fresh)
        return [self._piece(token) for token in dict.fromkeys(fresh)]

    def _piece(self, token: int) -> TokenPiece:
        data = self._model.piece(token)
        if data:
            return TokenPiece(id=token, piece=data.decode("latin-1"))
        return TokenPiece(id=token, piece=self._model.token_text(token), control=True)


def event_of(
    id: str, step: Grown | Trimmed | Ended, naming: Naming | None = None
) -> protocol.Event:
    """The event that tells of a step of the reply `id`; with `naming`, tokens are named."""
    match step:
        case Grown():
            return _round(id, step, naming)
        case Trimmed():
            return protocol.Trimmed(id=id, n_messages=step.n_messages, n_ctx=step.n_ctx)
        case Ended():
            return protocol.Finished(
                id=id,
                finish_reason=step.finish_reason,
                text=step.text,
                n_ctx_used=step.n_ctx_used,
                stats=step.stats,
            )


def _round(id: str, step: Grown, naming: Naming | None) -> protocol.Round:
    # Made without validation: there are hundreds of these a second, and all of it is our own.
    round_ = step.round
    n_accepted = round_.n_accepted
    drafted = round_.drafted
    rejected, rejected_p = drafted[n_accepted:], round_.proposal.p[n_accepted : len(drafted)]
    return protocol.Round(
        id=id,
        text=step.text,
        tokens=_tokens(step),
        rejected=rejected,
        rejected_p=rejected_p if round_.kind == "model" else [],
        pieces=naming.new(round_.tokens + rejected) if naming else [],
        n_drafted=len(drafted),
        n_accepted=n_accepted,
        drafter=round_.drafter,
        drafter_kind=round_.kind,
        draft_s=round_.draft_s,
        verify_s=round_.verify_s,
        n_ctx_used=step.n_ctx_used,
        paused=round_.plan.paused,
        reason=round_.plan.reason,
        forecast=round_.plan.forecast,
        stats=step.totals(),
    )


def _tokens(step: Grown) -> list[TokenInfo]:
    round_ = step.round
    n_drafted, n_accepted = len(round_.drafted), round_.n_accepted
    own: Origin = (
        "target" if n_drafted == 0 else "bonus" if n_accepted == n_drafted else "corrected"
    )
    by_model = round_.kind == "model"  # a lookup's measure of its match is no probability
    tokens = [
        TokenInfo(id=token, origin="accepted", p_draft=p if by_model else None)
        for token, p in zip(round_.tokens[:n_accepted], round_.proposal.p, strict=False)
    ]
    for token in round_.tokens[n_accepted:]:
        tokens.append(TokenInfo(id=token, origin=own))
    return tokens
