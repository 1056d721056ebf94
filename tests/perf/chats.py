"""How long the saved conversations take to list, open and search; run by hand, asserts nothing.

    python -m tests.perf.chats [--messages 2000] [--chats 500]

One conversation has that many messages, of about 200 words each; the others have twenty.
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from core.chats.branches import path, places
from core.chats.records import Chat, Message, new_id
from core.chats.store import Store

WORDS = [f"{a}{b}{c}" for a in "bdfgklmnprst" for b in "aeiou" for c in "lmnrst"]
RUNS = 7


def conversation(n_messages: int, chance: random.Random) -> tuple[Chat, list[Message]]:
    messages: list[Message] = []
    for number in range(n_messages):
        text = " ".join(chance.choices(WORDS, k=200))
        parent = messages[-1].id if messages else None
        role, ending = ("assistant", "stop") if number % 2 else ("user", None)
        messages.append(Message(new_id(), parent, role, text, time.time(), ending))  # type: ignore[arg-type]
    now = time.time()
    return Chat(new_id(), messages[0].text[:60], "", now, now, messages[-1].id), messages


def timed(what: str, work: Callable[[], object]) -> None:
    times = []
    for _ in range(RUNS):
        begun = time.perf_counter()
        work()
        times.append(1000 * (time.perf_counter() - begun))
    print(f"{what:46} {statistics.median(times):8.1f} ms  (at most {max(times):.1f})")


def open_and_walk(file: Path, chat: int) -> None:
    store = Store(file)
    found, messages = store.load(chat)
    parents = {message.id: message.parent for message in messages.values()}
    path(parents, found.leaf)
    places(parents, found.leaf)
    store.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=2000)
    parser.add_argument("--chats", type=int, default=500)
    options = parser.parse_args()
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chats.db"
        store = Store(file)
        chat, messages = conversation(options.messages, chance)
        store.add(chat, messages)
        timed("open the file and the long conversation", lambda: open_and_walk(file, chat.id))
        for _ in range(options.chats):
            store.add(*conversation(20, chance))
        size = file.stat().st_size / 2**20
        n_all = options.messages + 20 * options.chats
        print(f"{options.chats + 1} conversations, {n_all:,} messages, {size:.0f} MiB")
        timed("open the file and the long conversation", lambda: open_and_walk(file, chat.id))
        timed("list the conversations", store.chats)
        timed("search two words", lambda: store.search("balan tum"))
        timed("search the beginning of a word", lambda: store.search("ba"))
        timed("search without the index", lambda: store.search("bal-"))
        timed("search signs, which reads everything", lambda: store.search("++"))
        store.close()


if __name__ == "__main__":
    main()
