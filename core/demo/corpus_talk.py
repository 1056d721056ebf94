"""Small talk, honest ignorance, and requests to repeat given words."""

import random

from core.demo.corpus_facts import items, records, thanked
from core.demo.corpus_grammar import expand, invented_word, word_lists
from core.demo.corpus_phrases import Exchange, command, noun, question, say
from core.demo.corpus_tables import UNSURE

_MADE_UP = (
    "who is {A} {B}",
    "what is a {a}",
    "what is {a}",
    "where is {A}",
    "explain {a} {b}",
    "{A} {B}",
    "how do I {a} a {b}",
    "what is the {noun} of {A}",
    "tell me about {A}",
    "what happened in {A}",
    "how many {noun}s are in {A}",
    "why do {noun}s {a}",
    "what is the best {noun} in {A}",
    "{a}",
    "who invented the {noun}",
    "what is the price of a {noun}",
    "how do I repair a {noun}",
    "where can I buy a {noun}",
    "how old is {she}",
    "who is {he} {A}",
    "what does {she} do",
    "what is the history of {noun}s",
    "how is a {noun} made",
    "write an essay about {noun}s",
    "translate '{noun}' into French",
    "translate '{look} {noun}' to German",
    "what is {food} good for",
    "how do I cook {food}",
    "what is the recipe for {food}",
    "who won the {A} cup",
    "tell me the news from {A}",
    "what is the weather in {A}",
    "is there {food} in {A}",
    "when was {A} {B} born",
    "what did {she} say",
    "is {he} at home",
    "what is the weather in {place}",
    "how far is it to {A}",
    "what is the population of {A}",
    "how does a {noun} work",
    "what is the meaning of {a}",
    "how do you say {noun} in {A}",
    "what is the {look} {noun}",
    "compare {a} and {b}",
    "who wrote {A}",
    "why is {A} {feel}",
    "what language do they speak in {A}",
    "should I buy a {noun}",
    "recommend a {noun}",
    "which {noun} is the best",
    "is {A} a good {person}",
    "what do {person}s earn",
    "how do I become a {person}",
    "how long do {animal}s live",
    "what do {animal}s eat",
    "are {animal}s dangerous",
    "where do {animal}s live",
)
_ABOUT = (
    "explain X",
    "what do you know about X",
    "tell me about X",
    "write an essay about X",
    "what is X",
    "what are X",
    "give me a summary of X",
    "who was X",
    "what was X",
    "how does X work",
    "teach me about X",
    "describe X",
    "I want to learn about X",
    "what is the history of X",
    "can you explain X",
    "talk about X",
    "X",
    "why is X important",
    "what is your opinion on X",
    "when did X begin",
    "give me three facts about X",
    "list five facts about X",
    "what caused X",
    "help me with X",
    "I have a question about X",
    "how do I start with X",
    "what should I know about X",
    "where does X come from",
    "who invented X",
    "summarize X",
    "is X good",
    "what do you think about X",
)


def small_talk(rng: random.Random) -> Exchange:
    """One or two lines of small talk."""
    found = records("talk")
    record = rng.choices(found, [int(dict(r).get("w", "1")) for r in found])[0]
    asks = [line for key, value in record if key == "u" for line in items(value)]
    replies = [value.strip() for key, value in record if key == "a"]
    ask = rng.choice(asks)
    if rng.random() < 0.15:
        ask = rng.choice(("hi, ", "hey, ", "ok, ", "well, ", "so, ", "oh, ")) + ask
    return [(say(ask, rng), rng.choice(replies))]


def _unknown_question(rng: random.Random) -> str:
    part = dict(records("unknown")[0])
    roll = rng.random()
    if roll < 0.35:
        text = rng.choice(_ABOUT).replace("X", rng.choice(items(part["g"])))
    elif roll < 0.6:
        text = rng.choice(items(part["p"]))
    else:
        names = {
            "a": invented_word(rng),
            "b": invented_word(rng),
            "A": invented_word(rng).capitalize(),
            "B": invented_word(rng).capitalize(),
        }
        text = expand(rng.choice(_MADE_UP), rng, names)
    asks = text.startswith(("what", "how", "who", "why", "when", "where", "which", "is ", "should"))
    if asks:
        return question(text, rng) if rng.random() < 0.5 else say(text, rng)
    return command(text, rng) if rng.random() < 0.6 else noun(text, rng)


def unknown(rng: random.Random) -> Exchange:
    """A question outside what the model was taught, and the honest answer."""
    return thanked([(_unknown_question(rng), UNSURE)], rng, 0.03)


def _phrase(rng: random.Random) -> str:
    lists = word_lists()
    names = rng.choices(sorted(lists), k=rng.randint(1, 5))
    words = [
        invented_word(rng) if rng.random() < 0.25 else rng.choice(lists[name]) for name in names
    ]
    text = " ".join(words)
    return text[0].upper() + text[1:] if rng.random() < 0.4 else text


def repeat(rng: random.Random) -> Exchange:
    """ "Repeat after me", "say ... three times": the reply copies the words."""
    text = _phrase(rng)
    left, right = rng.choice(("''", '""', "“”"))
    quoted = f"{left}{text}{right}"
    if rng.random() < 0.75:
        ask = "(repeat|say|write|repeat after me:|please say|echo|type|print|copy|say the words) Q"
        return [(command(expand(ask, rng).replace("Q", quoted), rng, plain=True), text)]
    n = rng.choice((2, 3, 4, 5))
    times = rng.choice((f"{n} times", f"{('two', 'three', 'four', 'five')[n - 2]} times"))
    ask = expand("(write|say|repeat|print) Q T", rng).replace("T", times).replace("Q", quoted)
    return [(command(ask, rng, plain=True), "\n".join([text] * n))]
