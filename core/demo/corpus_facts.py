"""Questions with one right answer: the texts on speculation, the app, school and Python."""

import random
from dataclasses import dataclass, field
from functools import cache

from core.demo.corpus_grammar import TEXTS
from core.demo.corpus_phrases import Exchange, command, noun, question, say


@dataclass(frozen=True)
class Fact:
    """What may be asked (`nouns`, `questions`, `commands`, whole `lines`), and what is answered."""

    nouns: list[str] = field(default_factory=list)
    questions: list[str] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    simple: str = ""
    weight: int = 1

    def ask(self, rng: random.Random) -> str:
        """One wording of one way to ask for this."""
        kinds = ((self.nouns, noun), (self.questions, question), (self.commands, command))
        weights = [len(kind) ** 0.5 for kind, _ in kinds] + [len(self.lines) ** 0.5]
        index = rng.choices(range(4), weights)[0]
        if index == 3:
            return say(rng.choice(self.lines), rng)
        subjects, form = kinds[index]
        return form(rng.choice(subjects), rng)


def items(text: str) -> list[str]:
    """The parts of `text` between semicolons."""
    return [item.strip() for item in text.split(";") if item.strip()]


@cache
def records(name: str) -> list[list[tuple[str, str]]]:
    """The records of `texts/<name>*.txt`: keys of one letter, values of one or more lines."""
    found: list[list[tuple[str, str]]] = []
    for path in sorted(TEXTS.glob(f"{name}*.txt")):
        found.append([])
        for line in path.read_text(encoding="utf-8").splitlines():
            if line == "---":
                found.append([])
            elif line[1:3] in {": ", ":"} and line[0].isalpha():
                found[-1].append((line[0], line[3:]))
            elif found[-1]:
                key, value = found[-1][-1]
                found[-1][-1] = (key, f"{value}\n{line}")
    return found


def _fact(record: list[tuple[str, str]]) -> Fact:
    many: dict[str, list[str]] = {key: [] for key in "nqcu"}
    answers: list[str] = []
    one = {"s": "", "w": "1"}
    for key, value in record:
        if key in many:
            many[key] += items(value)
        elif key == "a":
            answers.append(value.strip())
        else:
            one[key] = value.strip()
    return Fact(
        nouns=many["n"],
        questions=many["q"],
        commands=many["c"],
        lines=many["u"],
        answers=answers,
        simple=one["s"],
        weight=int(one["w"]),
    )


@cache
def facts(name: str) -> tuple[list[Fact], list[int]]:
    """The facts of `texts/<name>*.txt` and their weights."""
    found = [_fact(record) for record in records(name)]
    return found, [fact.weight for fact in found]


_SIMPLER = (
    "explain that more simply; can you explain that more simply; simpler please;"
    " I do not understand;"
    " in simpler words; explain it like I am five; what does that mean; can you make it simpler;"
    " more simply please; I don't get it; too complicated; explain it in simple words; huh;"
    " put it simply; say it in other words; and in simple words; shorter please; eli5"
)
_THANKS = (
    "thanks; thank you; ok thanks; great, thank you; thx; many thanks; I see, thanks; thanks a lot"
)


def thanked(turns: Exchange, rng: random.Random, chance: float = 0.06) -> Exchange:
    """`turns`, now and then with thanks at the end."""
    if rng.random() < chance:
        return [*turns, (say(rng.choice(items(_THANKS)), rng), "You are welcome.")]
    return turns


def fact(name: str, rng: random.Random) -> Exchange:
    """One question on a fact of the file `name`, sometimes with a follow-up."""
    found, weights = facts(name)
    chosen = rng.choices(found, weights)[0]
    turns = [(chosen.ask(rng), rng.choice(chosen.answers))]
    if chosen.simple and rng.random() < 0.18:
        turns.append((say(rng.choice(items(_SIMPLER)), rng), chosen.simple))
    return thanked(turns, rng)


_CODE_COMMANDS = """
write a Python function to V|write a Python function to V|write a Python function that can V
write a function to V|write code to V|write Python code to V|write a Python program to V
write a short Python function to V|give me Python code to V|show me how to V in Python
write a program to V in Python|V in Python|V with Python|code a function to V
make a Python function to V
implement a function to V|create a Python function to V|give me a function to V
write a python script to V
show me Python code to V|write a simple function to V|write me some code to V|V using Python
write a Python function for N|write N in Python|implement N in Python|implement N|code N in Python
give me N in Python|show me N in Python|write a Python program for N|write code for N
show me the code for N
write a function for N|give me the code for N|write python code for N|make a function for N
"""
_CODE_QUESTIONS = """
how do I V in Python|how do I V|how can I V in Python|how to V in Python|how do you V in Python
how would you V in Python|how does one V in Python|what is the Python code to V|how do I code N
how do I write N in Python|how do I implement N|what does N look like in Python
how can I V with Python
what is N in Python
"""
_CODE_NOUNS = (
    "Python N|N in Python|python code for N|N python|N code|a Python function for N|code for N"
)


def _forms(text: str) -> list[str]:
    return [form.strip() for row in text.split("\n") for form in row.split("|") if form.strip()]


@dataclass(frozen=True)
class Program:
    """A short piece of Python with the names and verbs by which people ask for it."""

    names: list[str]
    verbs: list[str]
    reply: str
    weight: int

    def ask(self, rng: random.Random) -> str:
        """One wording of a request for this program."""
        kind = rng.choices((_CODE_COMMANDS, _CODE_QUESTIONS, _CODE_NOUNS), (6, 3, 2))[0]
        form = rng.choice(_forms(kind))
        text = form.replace("V", rng.choice(self.verbs), 1) if "V" in form else ""
        text = text or form.replace("N", rng.choice(self.names), 1)
        if kind is _CODE_COMMANDS:
            return command(text, rng)
        return question(text, rng) if kind is _CODE_QUESTIONS else say(text, rng)


@cache
def programs() -> tuple[list[Program], list[int]]:
    """The programs of `texts/code*.txt` and their weights."""
    found: list[Program] = []
    for record in records("code"):
        part = dict(record)
        intro, _, code = part["i"].partition("\n")
        reply = f"{intro}\n\n```python\n{code.rstrip()}\n```\n\n{part['e'].strip()}"
        weight = int(part.get("w", "1"))
        found.append(Program(items(part["n"]), items(part["v"]), reply, weight))
    return found, [program.weight for program in found]


_IN_PYTHON = (
    "now in Python; and in Python; how do I do that in Python; show me that in Python;"
    " as code please;"
    " write that in Python; can you write a Python function for that; in Python please; now as code"
)
_MATHS_AS_CODE = {
    "a prime number": "is_prime",
    "the quadratic formula": "quadratic equation solver",
    "the area of a circle": "circle area function",
    "the average": "average of a list",
    "a leap year": "leap year check",
    "an even number": "even check",
    "binary numbers": "binary conversion",
}


def program(rng: random.Random) -> Exchange:
    """A request for a short Python program."""
    found, weights = programs()
    chosen = rng.choices(found, weights)[0]
    return thanked([(chosen.ask(rng), chosen.reply)], rng)


def maths_then_code(rng: random.Random) -> Exchange:
    """A question from school, then "now in Python"."""
    name, wanted = rng.choice(sorted(_MATHS_AS_CODE.items()))
    first = next(f for f in facts("school")[0] if name in f.nouns)
    second = next(p for p in programs()[0] if wanted in p.names)
    ask = say(rng.choice(items(_IN_PYTHON)), rng)
    return [(first.ask(rng), first.answers[0]), (ask, second.reply)]
