"""How people ask: a noun phrase, a question or a command becomes one of thousands of wordings.

Apart from what is asked about, so that every subject gets the same breadth of phrasings.
"""

import random

Turn = tuple[str, str]
Exchange = list[Turn]

_NOUN_FORMS = """
what is X|what is X|what is X?|what's X|whats X|what are X|tell me X|tell me about X
tell me what X is
X|X|X please|do you know X|do you know what X is|I need X|I need to know X|give me X|give X
remind me of X|remind me what X is|can you state X for me|state X|explain X|please explain X
explain X to me|explain X briefly|explain in one sentence what X is|define X|definition of X
describe X|what do you know about X|what does X mean|what is meant by X|what exactly is X
so what is X|and what is X|I forgot X|I forgot what X is|I want to know X|I would like to know X
I'd like to know what X is|can you tell me X|can you tell me what X is|could you tell me what X is
could you explain X|can you explain X|can you give me X|could you remind me what X is|show me X
help me remember X|help me understand X|what was X again|what was X|how do you explain X
how would you define X|write X|write down X|say X|quick question: what is X|I do not understand X
I don't get X|teach me X|teach me about X|in short, what is X|briefly, what is X|any idea what X is
who can tell me X|info on X|meaning of X|let me know X|name X|X, please|X?|how is X defined
can you define X|summarize X|I am looking for X|I'm curious about X|what can you tell me about X
for my homework I need X|a short explanation of X|give me a short explanation of X
give me the gist of X
"""
_QUESTION_FORMS = """
Q|Q|Q|Q|Q|Q|please tell me: Q|tell me, Q|quick question: Q|question: Q|can you tell me Q
do you know Q
I wonder, Q|I want to know: Q|hey, Q|hello, Q|hi, Q|so Q|and Q|ok, Q|Q, please|Q, do you know
well, Q
could you explain Q|could you tell me Q|explain Q|explain to me Q|I would like to know: Q
I forgot, Q
help me: Q|one more question: Q|another question: Q|briefly, Q|in short, Q|now, Q|one thing: Q
Q exactly
please explain Q|my question is: Q|I have a question: Q|Q in simple words|Q in one sentence|sorry, Q
"""
_COMMAND_FORMS = """
C|C|C|C|C|please C|please C|C please|C, please|can you C|can you C|can you please C|could you C
could you please C|would you C|will you C|I want you to C|I would like you to C|I need you to C
now C
C for me|hey, C|hi, C|ok, C|C now|help me to C|go ahead and C|try to C|C, would you|kindly C
I'd like you to C|let's C|next, C|then C|just C|would you please C|can you C for me
could you C for me
"""
_NOUN = [form.strip() for row in _NOUN_FORMS.split("\n") for form in row.split("|") if form.strip()]
_QUESTION = [f.strip() for row in _QUESTION_FORMS.split("\n") for f in row.split("|") if f.strip()]
_COMMAND = [f.strip() for row in _COMMAND_FORMS.split("\n") for f in row.split("|") if f.strip()]
_ASKING = (
    "what",
    "how",
    "why",
    "when",
    "which",
    "who",
    "where",
    "can",
    "could",
    "do ",
    "does",
    "is ",
    "are ",
    "will",
    "would",
    "should",
    "at what",
)
_SHORT = (
    ("what is", "whats"),
    ("what is", "what's"),
    ("please", "pls"),
    ("you", "u"),
    ("are", "r"),
    ("do not", "don't"),
    ("I am", "im"),
    ("and", "&"),
    ("how is", "how's"),
    ("who is", "who's"),
)


def _typo(text: str, rng: random.Random) -> str:
    """`text` with one slip of the keyboard in a word of letters."""
    places = [i for i in range(1, len(text) - 1) if text[i - 1 : i + 2].isalpha()]
    if not places:
        return text
    i = rng.choice(places)
    slips = (
        text[:i] + text[i + 1 :],
        text[:i] + text[i] + text[i:],
        text[:i] + text[i + 1] + text[i] + text[i + 2 :],
    )
    return rng.choice(slips)


def _punctuated(text: str, rng: random.Random) -> str:
    if text.endswith(("?", ".", "!")):
        return text
    asks = text.lower().startswith(_ASKING) or ": what" in text or ": how" in text
    if asks:
        return text + rng.choices(("?", "", "??", " ?"), (82, 14, 2, 2))[0]
    return text + rng.choices(("", ".", "?"), (50, 44, 6))[0]


def say(text: str, rng: random.Random, typos: float = 0.05) -> str:
    """`text` as somebody might type it: capitals, punctuation, abbreviations and slips vary."""
    if rng.random() < 0.1:
        long, short = rng.choice(_SHORT)
        text = text.replace(f"{long} ", f"{short} ", 1)
    if rng.random() < typos:
        text = _typo(text, rng)
    text = _punctuated(text, rng)
    roll = rng.random()
    if roll < 0.62:
        return text[:1].upper() + text[1:]
    if roll < 0.98:
        return text if roll < 0.78 else text.lower()
    return text.upper()


def noun(phrase: str, rng: random.Random) -> str:
    """A request for what the noun `phrase` names."""
    form = rng.choice(_NOUN) if rng.random() < 0.75 else "what is X"
    if rng.random() < 0.12 and phrase.startswith(("the ", "a ", "an ")):
        phrase = phrase.split(" ", 1)[1]
    return say(form.replace("X", phrase), rng)


def question(text: str, rng: random.Random) -> str:
    """The question `text` (no question mark) inside a wider wording."""
    return say(rng.choice(_QUESTION).replace("Q", text), rng)


def command(text: str, rng: random.Random, plain: bool = False) -> str:
    """The command `text` with or without politeness; `plain` keeps every character of it."""
    full = rng.choice(_COMMAND if not plain or rng.random() < 0.4 else ["C"]).replace("C", text)
    if not plain:
        return say(full, rng)
    if rng.random() < 0.2:
        return full
    return full[:1].upper() + full[1:]
