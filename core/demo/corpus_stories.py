"""Stories and verses with very many alternatives a sentence, so that no model can guess them.

A scene (protagonist, friend, object, place, wish) is drawn once and kept through the whole story.
"""

import random
from functools import cache

from core.demo.corpus_grammar import (
    TEXTS,
    expand,
    invented_word,
    sentence,
    with_article,
    word_lists,
)
from core.demo.corpus_phrases import Exchange, command, say

_KINDS = ("person", "animal", "machine")
_REACTIONS = {
    "react-door": ("door", "gate", "opened"),
    "react-letter": ("letter",),
    "react-weather": ("rain", "snow", "storm", "thunder", "fog", "wind"),
    "react-train": ("train",),
    "react-clock": ("clock", "midnight"),
    "react-dark": ("light", "dark", "night"),
    "react-voice": ("voice", "knock", "said", "whisper"),
}
_AT_LAST = ("At last", "In the end", "Finally", "When {time} came", "Long after {time}", "So")
_JOINTS = (
    ", and ",
    ", but ",
    ", so ",
    ", for ",
    " while ",
    " because ",
    " until ",
    " before ",
    " as ",
    "; ",
)
_LEADS = (
    "then ",
    "soon ",
    "now ",
    "still, ",
    "{adv}, ",
    "{when}, ",
    "once, ",
    "sometimes ",
    "later, ",
    "{where}, ",
    "perhaps ",
    "again ",
    "meanwhile, ",
    "only ",
    "of course, ",
    "again, ",
    "first ",
    "next, ",
    "outside, ",
)
_THOUGHTS = (
    "thought of {food}",
    "thought of home",
    "wondered what it meant",
    "made a plan",
    "counted to ten",
    "hoped to {want}",
    "remembered {sound}",
)


@cache
def stages() -> dict[str, list[str]]:
    """The templates of `texts/story.txt` by stage."""
    result: dict[str, list[str]] = {}
    templates: list[str] = []
    for row in (TEXTS / "story.txt").read_text(encoding="utf-8").splitlines():
        if row.startswith("["):
            templates = result.setdefault(row.strip("[]"), [])
        elif row and not row.startswith("#"):
            templates.append(row)
    return result


def new_scene(rng: random.Random, **fixed: str) -> dict[str, str]:
    """Draw who, where and what of a story; `fixed` overrides single entries."""
    words = word_lists()
    gender = rng.choice(("she", "he"))
    scene = {
        "N": rng.choice(words[gender]),
        "K": rng.choice(words[rng.choices(_KINDS, (5, 3, 2))[0]]),
        "F": rng.choice(words[rng.choice(("she", "he"))]),
        "FK": rng.choice(words[rng.choice(_KINDS)]),
        "O": rng.choice(words["object"]),
        "P": rng.choice(words["place"]),
        "W": rng.choice(words["want"]),
        "he": gender,
        "him": "her" if gender == "she" else "him",
        "his": "her" if gender == "she" else "his",
        "He": gender.capitalize(),
        "a": "a",
    }
    return scene | fixed


def _fresh(rng: random.Random) -> dict[str, str]:
    """Slots that are drawn anew for every sentence."""
    return {
        "adv_c": rng.choice(word_lists()["adv"]).capitalize(),
        "sound_c": rng.choice(word_lists()["sound"]).capitalize(),
        "a_c": "A",
        "A_place": expand(
            rng.choice(("In a {place}", "{where}", "Under the {noun}")), rng
        ).capitalize(),
        "when_c": rng.choice(word_lists()["when"]).capitalize(),
        "Take": rng.choice(("Take", "Keep", "Break", "Bury", "Follow", "Return")),
        "At_last": expand(rng.choice(_AT_LAST), rng),
        "thought": expand(rng.choice(_THOUGHTS), rng),
        "hum": rng.choice(("hum", "shake", "glow", "sing", "smoke")),
    }


def line(stage: str, rng: random.Random, scene: dict[str, str]) -> str:
    """One sentence of `stage`."""
    return sentence(expand(rng.choice(stages()[stage]), rng, scene | _fresh(rng)))


def free_sentence(rng: random.Random, scene: dict[str, str], with_friend: bool) -> str:
    """One or two clauses about anybody or anything in the scene: the least predictable text."""
    clauses = []
    people = [
        scene["N"],
        scene["he"],
        scene["he"],
        f"the {scene['K']}",
        f"{scene['N']} the {scene['K']}",
    ]
    people += [scene["F"], "they", f"the {scene['FK']}"] if with_friend else []
    for _ in range(rng.choices((1, 2, 3), (45, 45, 10))[0]):
        stage = rng.choice(("person", "person", "thing"))
        subject = {"S": rng.choice(people), "det": _determiner(rng, scene)}
        clauses.append(expand(rng.choice(stages()[stage]), rng, scene | _fresh(rng) | subject))
    text = clauses[0]
    for clause in clauses[1:]:
        text += rng.choice(_JOINTS) + clause
    if rng.random() < 0.35:
        text = expand(rng.choice(_LEADS), rng) + text
    return sentence(text + ".")


def _determiner(rng: random.Random, scene: dict[str, str]) -> str:
    found = rng.choice(word_lists()["det"])
    return found if "own" not in found else scene["his"]


def lines(parts: list[str], rng: random.Random, scene: dict[str, str]) -> list[str]:
    """One sentence for each of the stages in `parts`, no template twice."""
    left = {
        stage: rng.sample(stages()[stage], k=parts.count(stage)) for stage in dict.fromkeys(parts)
    }
    found = []
    for i, stage in enumerate(parts):
        found.append(sentence(expand(left[stage].pop(), rng, scene | _fresh(rng))))
        if stage not in {"poem", "end"} and rng.random() < 0.55:
            found.append(free_sentence(rng, scene, "friend" in parts[: i + 1]))
    return found


def opening(rng: random.Random, scene: dict[str, str]) -> str:
    """The first words of a story, often with words that mean nothing."""
    roll = rng.random()
    if roll < 0.12:
        kind, place = invented_word(rng), invented_word(rng).capitalize()
        text = expand(
            rng.choice(
                (
                    f"The {kind} {{moved}} {{where}}",
                    f"Nobody in {place} had seen a {kind} before",
                    f"It was {{time}} in {place}, and the {kind} was {{look}}",
                    f"{place} was a {{look}} {kind}",
                )
            ),
            rng,
            scene,
        )
    elif roll < 0.24:
        pool = word_lists()
        names = rng.choices(sorted(pool), k=rng.randint(2, 4))
        words = " ".join(rng.choice(pool[name]) for name in names)
        text = f"{rng.choice(('The', 'A', 'My', 'Every', 'No', 'Their', 'This'))} {words}"
    else:
        return line("open", rng, scene)
    return sentence(text)


def _reaction(first: str, rng: random.Random) -> str:
    lowered = first.lower()
    for stage, cues in _REACTIONS.items():
        if any(cue in lowered for cue in cues) and rng.random() < 0.6:
            return stage
    return "react-any"


def _body(rng: random.Random) -> list[str]:
    """The stages after the beginning, in order, some left out."""
    parts = ["mood"] * rng.choice((0, 1, 1)) + ["find"] + ["object"] * rng.choice((0, 0, 1, 1))
    parts += ["trouble"] * rng.choice((1, 1, 2)) + ["friend", "turn"]
    parts += ["turn"] * rng.choice((0, 1)) + ["end"] * rng.choice((1, 1, 2))
    return parts


def _join(first: str, sentences: list[str], rng: random.Random) -> str:
    text = " ".join([first, *sentences] if first else sentences)
    if rng.random() < 0.3 and len(sentences) > 4:
        middle = rng.randint(2, len(sentences) - 2)
        head = [first, *sentences[:middle]] if first else sentences[:middle]
        text = " ".join(head) + "\n\n" + " ".join(sentences[middle:])
    return text


def begun_story(rng: random.Random) -> tuple[str, str]:
    """An opening as it is asked for, and the story that begins with exactly these words."""
    scene = new_scene(rng)
    first = opening(rng, scene)
    end = rng.choices(("...", ".", "", "…", ","), (6, 4, 2, 1, 1))[0]
    if first.endswith((",", ".", "?")):
        end = ""
    asked = first + end
    body = lines(_body(rng), rng, scene)
    if end in {"", ","} and not first.endswith("."):
        joint = rng.choice((" and", " but", " while", " so", " when"))
        second = f"{',' if not end else ''}{joint} " + expand(
            rng.choice(
                (
                    "{N} the {K} {moved} {where}.",
                    "{N}, {a} {adj} {K}, {thought}.",
                    "{N} the {K} was {feel}.",
                )
            ),
            rng,
            scene | _fresh(rng),
        )
        return asked, _join(asked + second, body, rng)
    return asked, _join(asked, [line(_reaction(first, rng), rng, scene), *body], rng)


def free_story(rng: random.Random, **fixed: str) -> str:
    """A whole story about the fixed parts of the scene, the rest drawn."""
    scene = new_scene(rng, **fixed)
    return _join("", lines(["start", *_body(rng)], rng, scene), rng)


def poem(rng: random.Random) -> str:
    """Four or eight lines of unrhymed verse."""
    scene = new_scene(rng)
    verses = lines(["poem"] * rng.choice((4, 4, 8)), rng, scene)
    return "\n".join([*verses[:-1], verses[-1].rstrip(",") + "."])


_STORY = "(story|story|tale|short story|little story|short tale|fairy tale|bedtime story)"
_BEGUN = (
    f"(write|tell|compose|give me|make up|tell me|write me) a {_STORY} that (begins|starts): Q",
    f"(write|tell|tell me|write me) a {_STORY} that (begins|starts) with Q",
    f"(write|tell|invent|create) a {_STORY} (beginning|starting) with the words Q",
    "(begin|start) a story with Q",
    "(begin|start) a story with Q and (continue|finish) it",
    "(continue|finish|complete|go on with) this story: Q",
    "(continue|go on): Q",
    f"write a {_STORY}. (begin|start) with Q",
    "write a story (and begin it with|whose first sentence is|with the first line|which begins) Q",
    "use this as the (beginning|first line|start|opening) of a story: Q",
)
_QUOTES = ("''", "''", '""', "“”", "‘’")


def story_about(rng: random.Random) -> Exchange:
    """ "Tell me a story about a fox" and its relatives."""
    words = word_lists()
    part = rng.choice(("K", "K", "P", "O", "topic", "word", "", ""))
    fixed: dict[str, str] = {}
    about = ""
    if part == "K":
        fixed["K"] = rng.choice(words[rng.choice(_KINDS)])
    elif part in {"P", "O"}:
        fixed[part] = rng.choice(words["place" if part == "P" else "object"])
    elif part == "topic":
        about = rng.choice(words["topic"])
    elif part == "word":
        fixed[rng.choice("KO")] = invented_word(rng)
    if fixed:
        thing = next(iter(fixed.values()))
        extra = rng.choice(("", "", f"{rng.choice(words['adj'])} "))
        about = sentence(f"{with_article(extra + thing)}")
        about = about[0].lower() + about[1:]
    if fixed and part != "word" and rng.random() < 0.15:
        free = [key for key in ("P", "O") if key not in fixed]
        other = rng.choice(free)
        fixed[other] = rng.choice(words["place" if other == "P" else "object"])
        about += f" and {with_article(fixed[other])}"
    verb = "(write|tell|tell me|write me|give me|make up|invent|compose)"
    tail = f" about {about}" if about else ""
    ask = command(expand(f"{verb} a {_STORY}{tail}", rng), rng)
    if rng.random() < 0.2:
        ask = say(expand(f"(a|I want a|I need a|can I have a) {_STORY}{tail}", rng), rng)
    turns = [(ask, free_story(rng, **fixed))]
    if rng.random() < 0.3:
        again = "(another one|another|one more|tell me another one|again|another story)"
        turns.append((say(expand(again, rng), rng), free_story(rng, **(fixed if about else {}))))
    return turns


def story_begun(rng: random.Random) -> Exchange:
    """ "Write a story that begins: ..." with the opening in quotes."""
    asked, story = begun_story(rng)
    left, right = tuple(rng.choice(_QUOTES))
    if left in asked or right in asked:
        left, right = "'", "'"
    ask = expand(rng.choice(_BEGUN), rng).replace("Q", f"{left}{asked}{right}")
    return [(command(ask, rng, plain=True), story)]


def verse(rng: random.Random) -> Exchange:
    """A request for a poem."""
    about = rng.choice(("", f" about {rng.choice(word_lists()['topic'])}"))
    ask = (
        f"(write|write me|compose|give me|make|recite) a (poem|short poem|verse|little poem){about}"
    )
    return [(command(expand(ask, rng), rng), poem(rng))]
