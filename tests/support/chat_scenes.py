"""What can be seen of chats: replies in every state, saved chats, and what stands beside them."""

from __future__ import annotations

import time

from textual.pilot import Pilot

from core.chats.presets import Preset, save_preset
from core.chats.records import Chat, Ending, Message
from core.client import EngineClient
from core.protocol import DraftChanged, DrafterInfo, EngineDied, Failed, Progress
from tests.support.invented_reply import QUESTION, REPLY, Told
from tests.support.pilot import wait_until
from tests.support.still_app import (
    LARGE,
    MEMORY,
    SMALL,
    TARGET,
    StillApp,
    end_of,
    model_info,
    press,
    rest,
)
from tui.widgets.chat_list import ChatList

SHORT = (
    "The product of all whole numbers from 1 to it; in Python `math.factorial(5)` gives `120`.\n"
)
OTHERWISE = "Multiply all whole numbers up to it: 5! is 1 × 2 × 3 × 4 × 5, which is 120.\n"
FURTHER = "In other words: nothing is lost, it only comes sooner.\n"
DEATH = EngineDied(
    message="The engine ended unexpectedly: SIGABRT (llama.cpp gave up; the last lines of its log "
    "say why); the next message starts it again.",
    cause="SIGABRT",
    log_tail=[
        "ggml_cuda_compute_forward: MUL_MAT failed",
        "CUDA error: out of memory",
        "ggml-cuda.cu:103: CUDA error",
    ],
)
LOG = (
    "llama_model_loader: loaded meta data with 34 key-value pairs and 339 tensors",
    "print_info: arch             = qwen2",
    "print_info: n_ctx_train      = 32768",
    "print_info: model params     = 7.62 B",
    "load_tensors: offloading 28 repeating layers to GPU",
    "load_tensors: offloaded 29/29 layers to GPU",
    "load_tensors:   CPU_Mapped model buffer size =   292.36 MiB",
    "load_tensors:        CUDA0 model buffer size =  4168.09 MiB",
    "llama_context: n_ctx_seq (16384) < n_ctx_train (32768) -- the full capacity of the model will "
    "not be utilized",
    "llama_kv_cache:      CUDA0 KV buffer size =   896.00 MiB",
)
HOUR, DAY = 3600.0, 86400.0
LONG_AGO = time.mktime((2025, 2, 19, 12, 0, 0, 0, 0, -1))
TITLES = (
    # age in seconds, title, messages, how the last one ended
    (2.0, "Why is the sky blue, and not violet?", 2, "stop"),
    (3.5 * HOUR, "Plan a week of dinners for four people, two of whom eat no fish", 12, "stop"),
    (
        2.5 * DAY,
        "Explain the borrow checker to somebody who knows C++ and has no patience",
        148,
        "stop",
    ),
    (4.5 * DAY, "日本語の敬語について教えてください", 6, "length"),
    (None, "What is speculative decoding?", 1_204, "interrupted"),
)


# ------------------------------------------------------------------ replies


async def converse(app: StillApp, pilot: Pilot[None]) -> None:
    """One question and its reply."""
    await app.ask_and_wait(pilot, QUESTION)
    await app.get_reply(pilot)


async def drafting(app: StillApp, pilot: Pilot[None]) -> None:
    """A reply that is being written."""
    await app.ask_and_wait(pilot, QUESTION)
    await app.get_reply(pilot, share=0.6, reason=None)


async def paused(app: StillApp, pilot: Pilot[None]) -> None:
    """The governor has found that the draft would make the reply slower."""
    await app.ask_and_wait(pilot, QUESTION)
    await app.get_reply(pilot, share=0.5, reason=None, paused=True)


async def exchange(app: StillApp, pilot: Pilot[None]) -> None:
    """Another draft from the middle of a reply on, and what that has brought."""
    await app.ask_and_wait(pilot, QUESTION)
    rounds = list(Told(str(app.dialogue.state.reply_id), REPLY).rounds())
    half = len(rounds) // 2
    await app.hear(pilot, *rounds[: half // 2])
    await app.hear(pilot, *rounds[half // 2 : half])
    await press(app, pilot, "f2")
    drafter = DrafterInfo(kind="model", name="draft-1.5b", model=model_info(LARGE))
    await app.hear(pilot, DraftChanged(drafter=drafter, memory=MEMORY))
    await app.hear(pilot, *rounds[half:])
    await app.hear(pilot, end_of(rounds))
    app.show_state()


async def load(app: StillApp, pilot: Pilot[None]) -> None:
    """A message that waits for the models."""
    app.dialogue.state.target = None
    await app.hear(pilot, Progress(stage="load_target", fraction=0.45))
    app.ask(QUESTION)
    await wait_until(pilot, lambda: app.dialogue.state.held and app.chat.last_reply)
    app.show_state()


async def refuse(app: StillApp, pilot: Pilot[None]) -> None:
    """A message to which there is no answer at all."""
    await app.ask_and_wait(pilot, QUESTION)
    sentence = "The prompt has 20,311 tokens, the context 16,384: shorten it, or give --ctx more."
    refusal = Failed(command="generate", id=app.dialogue.state.reply_id, message=sentence)
    await app.hear(pilot, refusal)


async def branch(app: StillApp, pilot: Pilot[None]) -> None:
    """Three replies to one message, the second of them shown."""
    await app.ask_and_wait(pilot, QUESTION)
    await app.get_reply(pilot, SHORT)
    for text in (OTHERWISE, SHORT):
        await press(app, pilot, "ctrl+r")
        await app.expect_reply(pilot)
        await app.get_reply(pilot, text)
    await press(app, pilot, "alt+left")


async def stop(app: StillApp, pilot: Pilot[None]) -> None:
    """A reply that was stopped in the middle of it."""
    await app.ask_and_wait(pilot, QUESTION)
    await app.get_reply(pilot, share=0.3, reason="cancelled")


async def die(app: StillApp, pilot: Pilot[None]) -> None:
    """The engine ends in the middle of a reply."""
    await app.ask_and_wait(pilot, QUESTION)
    await app.get_reply(pilot, share=0.3, reason=None)
    await app.hear(pilot, DEATH)


async def log_in_full(app: StillApp, pilot: Pilot[None]) -> None:
    """An engine that ended, and another one after it."""
    await app.hear(pilot, DEATH)
    client = EngineClient()
    client.log.extend(LOG)
    app.engine._client = client
    await press(app, pilot, "f12")


# ------------------------------------------------------------------ saved chats


async def keep_chats(app: StillApp, pilot: Pilot[None]) -> None:
    """Chats on the disk, the last one interrupted; written once, found by all that look later, as
    old then as they were."""
    store, now = app.keeper.store(), time.time()
    have = {listed.title for listed in store.chats()}
    for n, (age, title, n_messages, ending) in enumerate(TITLES):
        when = LONG_AGO if age is None else now - age
        chat, messages = _chat((len(TITLES) - n) * 1_000_000, title, when, n_messages, ending)
        store.add(chat, [] if title in have else messages)
    await rest(app, pilot)


def _chat(
    id: int, title: str, when: float, n_messages: int, ending: Ending
) -> tuple[Chat, list[Message]]:
    messages = []
    for n in range(n_messages):
        asks = n % 2 == 0
        text = title if not n else "Go on." if asks else FURTHER if n == 3 else SHORT
        if n == n_messages - 1 and ending == "interrupted":
            text = REPLY.partition("</think>")[2][:180].lstrip()
        messages.append(
            Message(
                id=id + n + 1,
                parent=id + n if n else None,
                role="user" if asks else "assistant",
                text=text,
                created=when,
                ending=None if asks else ending if n == n_messages - 1 else "stop",
                target="target-7b",
                drafter="draft-0.5b",
            )
        )
    return Chat(id, title, "", when, when, messages[-1].id), messages


async def list_chats(app: StillApp, pilot: Pilot[None]) -> None:
    await keep_chats(app, pilot)
    await press(app, pilot, "f6")
    await wait_until(pilot, lambda: app.screen.query_one(ChatList).count() == len(TITLES))


async def open_interrupted(app: StillApp, pilot: Pilot[None]) -> None:
    """The chat whose last reply was interrupted, as it is opened from the list."""
    await list_chats(app, pilot)
    await press(app, pilot, "tab", "end", "enter")
    await wait_until(pilot, lambda: app.chat.last_reply)


# ------------------------------------------------------------------ beside the chat


async def keep_presets(app: StillApp, pilot: Pilot[None]) -> None:
    """Three presets, as a person would write them."""
    prose = {"target": TARGET, "draft": SMALL, "temperature": 0.9, "system": "You are an editor."}
    code = {"target": TARGET, "draft": LARGE, "temperature": 0.0, "draft_len": 8}
    save_preset(Preset("prose", prose))
    save_preset(Preset("code", code))
    save_preset(Preset("short answers", {"max_tokens": 200, "system": "Answer in a sentence."}))
    await app.run_action("presets")
    await rest(app, pilot)


async def choose_theme(app: StillApp, pilot: Pilot[None]) -> None:
    await app.run_action("change_theme")
    await rest(app, pilot)


async def wrong_setting(app: StillApp, pilot: Pilot[None]) -> None:
    """A value that is out of range, while it is being typed."""
    app.open_settings("temperature")
    await rest(app, pilot)
    await press(app, pilot, "enter", "end", *["backspace"] * 6, "9", "9")
