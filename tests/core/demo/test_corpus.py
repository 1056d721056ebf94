"""The corpus is the same for the same seed, and keeps the promises that the pair is tested for."""

import random
from itertools import islice

from core.demo.corpus import IM_END, IM_START, conversations
from core.demo.corpus_facts import facts, programs
from core.demo.corpus_grammar import expand
from core.demo.corpus_stories import begun_story, new_scene, stages


def test_same_seed_gives_same_text() -> None:
    first, second = ([c.text() for c in islice(conversations(7), 300)] for _ in range(2))
    assert first == second


def test_other_seed_gives_other_text() -> None:
    first, second = ([c.text() for c in islice(conversations(s), 50)] for s in (7, 8))
    assert first != second


def test_conversations_are_whole_chatml() -> None:
    for talk in islice(conversations(1), 500):
        text = talk.text()
        assert text.count(IM_START) == text.count(IM_END) == 2 * len(talk.turns) + bool(talk.system)
        assert text.endswith(f"{IM_END}\n")


def test_only_replies_are_marked_as_the_assistants() -> None:
    for talk in islice(conversations(2), 200):
        own = [text for text, is_own in talk.segments() if is_own]
        assert own == [f"{reply}{IM_END}" for _, reply in talk.turns]


def test_story_begins_with_the_asked_opening() -> None:
    rng = random.Random(3)
    for _ in range(500):
        asked, story = begun_story(rng)
        assert story.startswith(asked)
        assert len(story) > len(asked) + 100


def test_every_template_expands_without_leftovers() -> None:
    rng = random.Random(4)
    slots = {
        "adv_c",
        "sound_c",
        "a_c",
        "A_place",
        "when_c",
        "Take",
        "At_last",
        "thought",
        "hum",
        "S",
    }
    scene = new_scene(rng) | dict.fromkeys(slots, "x")
    for templates in stages().values():
        for template in templates:
            assert not set(expand(template, rng, scene)) & set("{}|")


def test_every_fact_can_be_asked_and_has_an_answer() -> None:
    rng = random.Random(5)
    for name in ("speculation", "app", "school"):
        for fact in facts(name)[0]:
            assert fact.ask(rng).strip()
            assert all(fact.answers)


def test_every_program_compiles() -> None:
    for program in programs()[0]:
        code = program.reply.split("```python\n")[1].split("\n```")[0]
        compile(code, program.names[0], "exec")
