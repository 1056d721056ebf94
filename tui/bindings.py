"""The registry's actions as Textual's bindings; apart so that the registry needs no Textual."""

from __future__ import annotations

from collections.abc import Iterable

from textual.binding import Binding, BindingType

from tui.action import Action
from tui.keymap import NO_KEY


def bindings(actions: Iterable[Action]) -> list[BindingType]:
    """A binding each, under the action's id, so that a keymap finds it; also for an action without
    a key, so that the user can give it one."""
    return [_binding(entry) for entry in actions if entry.bound or (entry.run and not entry.key)]


def _binding(entry: Action) -> Binding:
    return Binding(
        entry.key or NO_KEY,
        entry.run,
        entry.label,
        id=entry.id,
        show=False,
        priority=entry.priority,
    )
