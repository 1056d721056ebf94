"""The course of a chat: what a key or an engine event means for the conversation and the engine.

No Textual here. Commands go to `send`; what the screen has to show comes back as effects.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from core.chats.records import Chat, Message
from core.protocol import (
    Cancel,
    Command,
    DrafterInfo,
    EngineDied,
    Failed,
    Finished,
    FinishReason,
    Generate,
    Load,
    Loaded,
    SetDraft,
    SetDraftLen,
    Trimmed,
)
from core.settings import Settings
from tui.choices import DraftOption, Offer, draft_key, model_name, model_option
from tui.conversation import Conversation, Turn
from tui.effects import Effect, Ended, Grew, Measured, Notice
from tui.feed import FeedItem, Rounds
from tui.sanitize import clean_line, clean_stream
from tui.state import EngineState

if TYPE_CHECKING:
    from tui.trace import Vocabulary

Save = Callable[[Chat, list[Message], bool], None]
"""Takes messages that are new or have changed, and the conversation they are of; the last argument
says whether they are to be saved at once. Must not wait."""


class Dialogue:
    """One conversation with one engine."""

    def __init__(self, settings: Settings, offer: Offer, send: Callable[[Command], None]) -> None:
        self.settings = settings
        self.offer = offer
        self.state = EngineState()
        self.conversation = Conversation(settings.system)
        self.save: Save = lambda _chat, _messages, _now: None
        self.log_tail: list[str] = []
        self._send = send
        self._ids = itertools.count(1)
        self._turn: Turn | None = None
        self._n_left_out = 0
        self._vocabulary: Vocabulary = {}
        self._draft = offer.initial
        self._served_by: DrafterInfo | None = None
        """The drafter of the reply in progress, while it is the only one and free to choose."""
        self._before: tuple[Offer, DraftOption] | None = None
        """What stays in use where the target that is being loaded cannot be."""
        self.opened = False
        self.state.stage = "load_target"  # the models are being looked for

    # -------------------------------------------------------------- what the user does

    def open(self, offer: Offer) -> None:
        """The models are known: load them. A draft chosen meanwhile stays chosen."""
        if self._draft == self.offer.initial:
            self._draft = offer.initial
        self.offer = offer
        self._load()

    def refuse(self, problem: str) -> list[Effect]:
        """The models that the settings mean cannot be used."""
        self.state.stage, self.state.trouble = None, "not loaded"
        if self.state.held:
            return self._end("error", problem)
        return [Notice(problem, "error", in_chat=True)]

    def extend(self, offer: Offer) -> None:
        """More drafts were found; those for another target than the present one mean nothing."""
        if offer.target != self.offer.target:
            return
        known = [draft for draft in self.offer.drafts if offer.get(draft.key) is None]
        self.offer = replace(offer, drafts=(*offer.drafts, *known))

    def switch(self, offer: Offer) -> None:
        """Load another target. The one in use stays until that is done, and the chat stays."""
        if self.state.target is not None and self._before is None:
            self._before = (self.offer, self._draft)
        self.offer, self._draft = offer, offer.initial
        self._n_left_out = 0
        self._load()

    def offered(self, path: str) -> DraftOption:
        """The option that the model at `path` is, which joins the offer where it is not in it."""
        option = self.offer.get(path)
        if option is None or not option.usable:
            option = model_option(path)
            self.offer = self.offer.with_draft(option)
        return option

    def forget(self, path: str) -> None:
        """The model at `path` was deleted: it is no draft any more."""
        drafts = tuple(draft for draft in self.offer.drafts if draft.path != path)
        self.offer = replace(self.offer, drafts=drafts)

    @property
    def draft(self) -> DraftOption:
        """The draft that is in use, or will be."""
        return self._draft

    def _load(self) -> None:
        self.opened = True
        self.state.stage, self.state.fraction, self.state.trouble = "load_target", 0.0, ""
        self._send(
            Load(
                target=self.offer.target,
                options=self.settings.target_options(),
                draft=self._draft.choice(self.settings),
                draft_len=self.settings.draft_len,
            )
        )

    @property
    def busy(self) -> bool:
        """A message is being answered, or waits for the models."""
        return self._turn is not None

    def submit(self, text: str) -> Turn | None:
        """Ask; None where that cannot be done now, and nothing has changed."""
        if self.busy:
            return None
        return self._ask(self.conversation.ask(text))

    def regenerate(self) -> Turn | None:
        """Answer the last message again, beside the reply it has; None where there is none, or a
        reply is being written."""
        turn = None if self.busy else self.conversation.reopen_last()
        return self._ask(turn) if turn else None

    def submit_instead(self, index: int, text: str) -> Turn | None:
        """Ask something else in place of turn `index`, as a new branch; None where that cannot be
        done now."""
        return None if self.busy else self._ask(self.conversation.ask_instead(index, text))

    def resume(self) -> Turn | None:
        """Continue the last reply; None where it is at its end, or one is being written."""
        turn = None if self.busy else self.conversation.resume_last()
        return self._ask(turn) if turn else None

    def stop(self) -> list[Effect]:
        """End the reply that is being written, if any."""
        if self.state.reply_id is not None:
            self.state.stopping = True
            self._send(Cancel(id=self.state.reply_id))
            return []
        return self._end("cancelled")

    def take_settings(self, settings: Settings) -> None:
        """These count from now on; the system prompt from the next chat on, which a chat without
        messages is already."""
        length = self.settings.draft_len
        self.settings = settings
        if not self.conversation.turns:
            self.conversation.system = settings.system
        if settings.draft_len != length:
            self._served_by = None
        if settings.draft_len != length and self.opened:
            self._send(SetDraftLen(draft_len=settings.draft_len))

    def reload(self) -> None:
        """Load the target and the draft in use again, as the settings have them now."""
        self.switch(replace(self.offer, initial=self._draft))

    def new_chat(self) -> None:
        """Begin again; a reply that is being written is given up."""
        self.open_chat(Conversation(self.settings.system))

    def open_chat(self, conversation: Conversation) -> None:
        """Go on with another conversation; a reply that is being written is given up."""
        if self.state.reply_id is not None:
            self._send(Cancel(id=self.state.reply_id))
        self._end("cancelled")
        self.state.reply_id, self.state.stopping = None, False
        self.conversation = conversation
        self.state.new_chat()
        self._n_left_out = 0

    def next_draft(self) -> DraftOption:
        """Exchange the draft for the next one that can be used."""
        return self.choose_draft(self.offer.next_after(self._draft.key))

    def choose_draft(self, option: DraftOption) -> DraftOption:
        """Exchange the draft; the target and the conversation stay."""
        self._draft = option
        self.state.wanted_draft = option.key
        if self.state.target is None and not self.state.stage:  # try to load again, with this one
            self._load()
            return option
        if self.opened:
            self._send(SetDraft(draft=option.choice(self.settings)))
        return option

    # -------------------------------------------------------------- what the engine reports

    def take(self, item: FeedItem) -> list[Effect]:
        """What an event changes."""
        reply_id = self.state.reply_id
        self.state.apply(item)
        self._trace(item)
        if self.state.drafter != self._served_by:
            self._served_by = None
        effects: list[Effect] = []
        match item:
            case Rounds() if item.id == reply_id and self._turn:
                self._turn.reply += item.text
                self._keep(self._turn, writing=True)
                effects = [Grew(clean_stream(item.text))]
            case Finished() if item.id == reply_id and self._turn:
                self._turn.reply, self._turn.stats = self._turn.begun + item.text, item.stats
                effects = [*self._end(item.finish_reason), *self._measured(item)]
            case Trimmed() if item.id == reply_id:
                effects = self._trimmed(item)
            case Loaded():
                effects = self._loaded(item)
            case Failed():
                effects = self._failed(item, reply_id)
            case EngineDied():
                effects = self._died(item)
        return effects

    def _trace(self, item: FeedItem) -> None:
        """Keep how tokens came. What a token is, is said once, be it in a reply given up."""
        if isinstance(item, Loaded):
            self._vocabulary = {}
        elif isinstance(item, Rounds):
            from tui.trace import learn

            trace = self._turn.trace if self._turn and item.id == self.state.reply_id else None
            model = self.offer.name_of(self.state.draft_in_use)
            for round_ in item.every:
                learn(self._vocabulary, round_.pieces)
                if trace is not None:
                    by_model = round_.drafter_kind == "model"
                    trace.add(round_, model if by_model else round_.drafter)

    # -------------------------------------------------------------- how it is done

    def _ask(self, turn: Turn) -> Turn:
        self._turn = turn
        turn.target, turn.drafter = model_name(self.offer.target), self._draft.name
        self._keep(turn, writing=True)
        if self.state.target is not None:
            self._generate()
        else:
            self.state.held = True
            if not self.state.stage:
                self._load()
        return turn

    def _generate(self) -> None:
        self.state.held = False
        reply_id = f"reply-{next(self._ids)}"
        self.state.begin_reply(reply_id)
        self._served_by = self.state.drafter if self.settings.draft_len == "auto" else None
        if self._turn:
            from tui.trace import Trace

            begun = len(clean_stream(self._turn.begun))
            self._turn.trace = Trace(self._vocabulary, begun)
        self._send(
            Generate(
                id=reply_id,
                messages=self.conversation.messages(),
                sampling=self.settings.sampling(),
                max_tokens=self.settings.max_tokens,
            )
        )

    def _end(self, reason: FinishReason, note: str = "") -> list[Effect]:
        turn, self._turn = self._turn, None
        self.state.held = False
        if turn is None:
            return []
        turn.finish_reason, turn.note, turn.begun = reason, note, ""
        turn.stats = turn.stats or self.state.stats
        self._keep(turn, writing=False)
        return [Ended(turn)]

    def _measured(self, item: Finished) -> list[Effect]:
        drafter, self._served_by = self._served_by, None
        if drafter is None or self.state.target is None or item.finish_reason == "error":
            return []
        return [Measured(self.state.target, drafter, item.stats)]

    def _keep(self, turn: Turn, writing: bool) -> None:
        grows = writing and turn.reply_id in self.conversation.kept
        self.save(*self.conversation.keep(turn, writing), not grows)

    def _loaded(self, item: Loaded) -> list[Effect]:
        drafter = item.drafter
        key = draft_key(drafter)
        self._before = None
        if self.offer.get(key) is None and drafter.model:
            self.offer = self.offer.with_draft(model_option(drafter.model.path))
        self._draft = self.offer.get(key) or self._draft
        effects: list[Effect] = [
            Notice(clean_line(text, 400), "warning")
            for text in (item.notice, *item.target.warnings)
            if text
        ]
        if self.state.held:
            self._generate()
        return effects

    def _trimmed(self, item: Trimmed) -> list[Effect]:
        """Said once for each time that more is left out, not with every reply."""
        if item.n_messages <= self._n_left_out:
            return []
        self._n_left_out = item.n_messages
        text = (
            f"The context of {item.n_ctx:,} tokens is full: the model no longer reads the oldest "
            f"{item.n_messages} messages."
        )
        return [Notice(text, "warning", in_chat=True)]

    def _failed(self, item: Failed, reply_id: str | None) -> list[Effect]:
        message = clean_line(item.message, 400)
        if item.id is not None:
            return self._end("error", message) if item.id == reply_id else []
        if item.command == "set_draft":
            self._draft = self.offer.get(self.state.draft_in_use) or self._draft
            return [Notice(message, "error")]
        if item.command == "load" and self._stay():
            self.state.trouble = ""
        if item.command == "load" and self.state.held:
            return self._end("error", message)
        return [Notice(message, "error", in_chat=item.command == "load")]

    def _stay(self) -> bool:
        """Another target that was asked for did not come: what was in use before still is. False
        where there was nothing."""
        if self._before is None:
            return False
        (self.offer, self._draft), self._before = self._before, None
        return True

    def _died(self, item: EngineDied) -> list[Effect]:
        self._stay()
        self.log_tail = [clean_line(line, 400) for line in item.log_tail]
        message = clean_line(item.message, 400)
        return self._end("error", message) or [Notice(message, "error", in_chat=True)]
