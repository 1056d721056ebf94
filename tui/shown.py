"""A conversation as the messages that the chat shows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from core.chats.branches import Place
from tui.conversation import Conversation, Turn
from tui.message_lines import MessageLines
from tui.replies import summary
from tui.sanitize import clean_text


def shown_messages(conversation: Conversation, turns: Sequence[Turn]) -> list[MessageLines]:
    """These turns of it, each message saying which of several in its place it is."""
    places = conversation.places()
    found: list[MessageLines] = []
    for turn in turns:
        found += [asked(turn, places), answered(turn, places)]
    return found


def asked(turn: Turn, places: Mapping[int, Place]) -> MessageLines:
    """What the user wrote."""
    message = MessageLines("user", clean_text(turn.prompt))
    message.key, message.place = turn.prompt_id, _words(places.get(turn.prompt_id))
    return message


def answered(turn: Turn, places: Mapping[int, Place]) -> MessageLines:
    """The reply in its final form."""
    message = being_answered(turn, places)
    message.finish(clean_text(turn.reply), summary(turn), turn.note)
    return message


def being_answered(turn: Turn, places: Mapping[int, Place]) -> MessageLines:
    """The reply as one that grows, from what there is of it already."""
    message = MessageLines("assistant", clean_text(turn.begun))
    message.key, message.place = turn.reply_id, _words(places.get(turn.reply_id))
    return message


def _words(place: Place | None) -> str:
    return f"{place.number}/{place.total}" if place else ""
