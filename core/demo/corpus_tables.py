"""Facts that come in tables: capitals, chemical formulae, symbols, opposites, months, planets."""

import random
from dataclasses import dataclass

from core.demo.corpus_grammar import expand, invented_word
from core.demo.corpus_phrases import Exchange, command, noun, question, say

UNSURE = (
    "I do not know that. I am a tiny demonstration model, and I only know a few things: "
    "speculative decoding, the keys of this app, simple school facts, short Python functions "
    "and little stories."
)


@dataclass(frozen=True)
class Table:
    """Rows of key and value with the ways to ask for a value, `X` standing for the key."""

    rows: dict[str, str]
    nouns: tuple[str, ...]
    questions: tuple[str, ...]
    answer: str
    follow: tuple[str, ...]


def _rows(text: str) -> dict[str, str]:
    pairs = (row.split(":") for row in text.replace("\n", ";").split(";") if row.strip())
    return {key.strip(): value.strip() for key, value in pairs}


_CAPITALS = _rows("""
France: Paris; Germany: Berlin; Italy: Rome; Spain: Madrid; Portugal: Lisbon; Greece: Athens
Austria: Vienna; Switzerland: Bern
Belgium: Brussels; the Netherlands: Amsterdam; Denmark: Copenhagen
Sweden: Stockholm; Norway: Oslo; Finland: Helsinki
Iceland: Reykjavik; Ireland: Dublin; Poland: Warsaw
the United Kingdom: London; England: London; Russia: Moscow; Ukraine: Kyiv; Hungary: Budapest
Romania: Bucharest; Bulgaria: Sofia; Croatia: Zagreb; Serbia: Belgrade; Turkey: Ankara; Egypt: Cairo
the Czech Republic: Prague; Japan: Tokyo; China: Beijing; India: New Delhi; South Korea: Seoul
Thailand: Bangkok; Vietnam: Hanoi; Indonesia: Jakarta; Australia: Canberra; New Zealand: Wellington
Canada: Ottawa; the United States: Washington, D.C.
Mexico: Mexico City; Cuba: Havana; Brazil: Brasília
Argentina: Buenos Aires; Chile: Santiago; Peru: Lima
Colombia: Bogotá; Kenya: Nairobi; Morocco: Rabat
Nigeria: Abuja; Iran: Tehran; Iraq: Baghdad
Israel: Jerusalem; Saudi Arabia: Riyadh; Estonia: Tallinn
Latvia: Riga; Lithuania: Vilnius; Slovakia: Bratislava; Slovenia: Ljubljana; the Philippines: Manila
""")
_UNKNOWN_COUNTRIES = [
    "Mongolia",
    " Nepal",
    " Bhutan",
    " Laos",
    " Fiji",
    " Samoa",
    " Tonga",
    " Chad",
    " Mali",
    " Niger",
    " Ghana",
    " Togo",
    " Gabon",
    " Angola",
    " Zambia",
    " Malawi",
    " Rwanda",
    " Uganda",
    " Somalia",
    " Sudan",
    " Libya",
    " Tunisia",
    " Algeria",
    " Bolivia",
    " Paraguay",
    " Uruguay",
    " Ecuador",
    " Guyana",
    " Honduras",
    " Panama",
    " Jamaica",
    " Haiti",
    " Malta",
    " Cyprus",
    " Albania",
    " Moldova",
    " Georgia",
    " Armenia",
    " Kazakhstan",
    " Yemen",
    " Oman",
    " Qatar",
    " Jordan",
    " Syria",
    " Pakistan",
    " Bangladesh",
    " Atlantis",
    " Narnia",
    " Texas",
    " California",
    " Bavaria",
    " Scotland",
    " the Moon",
]
_FORMULAE = _rows("""
water: H₂O; carbon dioxide: CO₂; table salt: NaCl; oxygen gas: O₂; hydrogen gas: H₂; ammonia: NH₃
methane: CH₄; glucose: C₆H₁₂O₆; sulfuric acid: H₂SO₄; hydrochloric acid: HCl; carbon monoxide: CO
ozone: O₃; ethanol: C₂H₅OH; hydrogen peroxide: H₂O₂; baking soda: NaHCO₃; nitric acid: HNO₃
""")
_SYMBOLS = _rows("""
gold: Au; silver: Ag; iron: Fe; copper: Cu
hydrogen: H; oxygen: O; carbon: C; nitrogen: N; helium: He
sodium: Na; potassium: K; calcium: Ca; lead: Pb; tin: Sn; mercury: Hg; zinc: Zn; sulfur: S; neon: Ne
chlorine: Cl; silicon: Si; aluminium: Al; magnesium: Mg; phosphorus: P; uranium: U; lithium: Li
""")
_OPPOSITES = _rows("""
hot: cold; big: small; large: small; fast: slow
up: down; left: right; day: night; black: white; old: young
happy: sad; open: closed; high: low; long: short; full: empty; hard: soft; early: late; good: bad
light: dark; rich: poor; strong: weak; wet: dry; near: far; in: out; on: off; yes: no; true: false
first: last; begin: end; love: hate; loud: quiet
heavy: light; thick: thin; deep: shallow; clean: dirty
""")
_LETTERS = {
    "first": "A",
    "second": "B",
    "third": "C",
    "fourth": "D",
    "fifth": "E",
    "sixth": "F",
    "last": "Z",
}
_PLANETS = ("Mercury", "Venus", "Earth", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune")
_MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_LENGTHS = dict(
    zip(
        _MONTHS,
        ("31", "28 or 29", *(["31", "30", "31", "30", "31", "31", "30", "31", "30", "31"])),
        strict=True,
    )
)
_ORDINALS = (
    "first",
    "second",
    "third",
    "fourth",
    "fifth",
    "sixth",
    "seventh",
    "eighth",
    "ninth",
    "tenth",
    "eleventh",
    "twelfth",
)
_SOUNDS = _rows("""
dog: barks; cat: meows; cow: moos; sheep: bleats
horse: neighs; duck: quacks; pig: grunts; lion: roars
owl: hoots; bee: buzzes; snake: hisses; wolf: howls; frog: croaks; mouse: squeaks; rooster: crows
""")


def _successors(names: tuple[str, ...]) -> dict[str, str]:
    return {a: names[(i + 1) % len(names)] for i, a in enumerate(names)}


_AND = (
    "and of X",
    "and X",
    "what about X",
    "and for X",
    "and the one of X",
    "of X",
    "now X",
    "how about X",
)
TABLES: list[tuple[int, Table]] = [
    (
        8,
        Table(
            _CAPITALS,
            ("the capital of X", "the capital of X", "the capital city of X", "X's capital"),
            (
                "which city is the capital of X",
                "what is the capital of X",
                "what city is the capital of X",
                "what's the name of the capital of X",
                "what is X's capital city",
                "which is the capital of X",
            ),
            "The capital of X is Y.",
            _AND,
        ),
    ),
    (
        3,
        Table(
            _FORMULAE,
            (
                "the chemical formula of X",
                "the formula of X",
                "the formula for X",
                "the chemical formula for X",
            ),
            (
                "what is X made of chemically",
                "how do chemists write X",
                "what is the chemical formula for X",
            ),
            "The chemical formula of X is Y.",
            _AND,
        ),
    ),
    (
        3,
        Table(
            _SYMBOLS,
            (
                "the chemical symbol of X",
                "the symbol of X",
                "the symbol for X",
                "the chemical symbol for X",
            ),
            (
                "which symbol does X have",
                "what symbol stands for X",
                "how is X abbreviated in chemistry",
            ),
            "The chemical symbol of X is Y.",
            _AND,
        ),
    ),
    (
        3,
        Table(
            _OPPOSITES,
            ("the opposite of X", "the opposite of 'X'", "the antonym of X"),
            (
                "what is the opposite of X",
                "which word is the opposite of X",
                "what word means the opposite of X",
            ),
            "The opposite of X is Y.",
            _AND,
        ),
    ),
    (
        1,
        Table(
            _successors(_DAYS),
            ("the day after X",),
            ("which day comes after X", "what day follows X"),
            "The day after X is Y.",
            _AND,
        ),
    ),
    (
        1,
        Table(
            _successors(_MONTHS),
            ("the month after X",),
            ("which month comes after X", "what month follows X"),
            "The month after X is Y.",
            _AND,
        ),
    ),
    (
        1,
        Table(
            {b: a for a, b in _successors(_DAYS).items()},
            ("the day before X",),
            ("which day comes before X", "what day is before X"),
            "The day before X is Y.",
            _AND,
        ),
    ),
    (
        1,
        Table(
            _LENGTHS,
            ("the number of days in X",),
            ("how many days does X have", "how many days are in X", "how long is X"),
            "X has Y days.",
            ("and X", "what about X", "and in X"),
        ),
    ),
    (
        1,
        Table(
            dict(zip(_ORDINALS[:8], _PLANETS, strict=True)),
            ("the X planet from the sun", "the X planet", "the X planet of the solar system"),
            ("which planet is the X from the sun", "which is the X planet"),
            "The X planet from the Sun is Y.",
            ("and the X", "what about the X"),
        ),
    ),
    (
        1,
        Table(
            dict(zip(_ORDINALS, _MONTHS, strict=True)),
            ("the X month", "the X month of the year"),
            ("which month is the X", "which is the X month of the year"),
            "The X month of the year is Y.",
            ("and the X", "what about the X"),
        ),
    ),
    (
        1,
        Table(
            _LETTERS,
            ("the X letter of the alphabet", "the X letter"),
            ("which letter is the X", "which letter comes X in the alphabet"),
            "The X letter of the alphabet is Y.",
            ("and the X", "what about the X"),
        ),
    ),
    (
        1,
        Table(
            _SOUNDS,
            ("the sound of a X", "the sound a X makes"),
            ("what sound does a X make", "what does a X say", "how does a X sound"),
            "A X Y.",
            ("and a X", "what about a X"),
        ),
    ),
]


def lookup(rng: random.Random) -> Exchange:
    """One to four questions on one table, the later ones as short as "and of Italy?"."""
    table = rng.choices([t for _, t in TABLES], [w for w, _ in TABLES])[0]
    keys = rng.sample(sorted(table.rows), k=min(rng.choices((1, 2, 3, 4), (60, 20, 12, 8))[0], 4))
    turns: Exchange = []
    for i, key in enumerate(keys):
        if i and rng.random() < 0.75:
            ask = say(rng.choice(table.follow).replace("X", key), rng, typos=0.02)
        elif rng.random() < 0.5:
            ask = noun(rng.choice(table.nouns).replace("X", key), rng)
        else:
            ask = question(rng.choice(table.questions).replace("X", key), rng)
        reply = table.answer.replace("X", key).replace("Y", table.rows[key])
        turns.append((ask, _tidy(reply)))
    return turns


def _tidy(reply: str) -> str:
    reply = reply.replace("A owl", "An owl").replace("D.C..", "D.C.")
    return reply[0].upper() + reply[1:]


def unknown_entry(rng: random.Random) -> Exchange:
    """A capital that the model has not learned, and the honest answer."""
    known = rng.random() < 0.5
    country = rng.choice(_UNKNOWN_COUNTRIES).strip() if known else invented_word(rng).capitalize()
    return [(noun(f"the capital of {country}", rng), UNSURE)]


_LISTS = {
    "European capitals": ("Paris", "Berlin", "Rome", "Madrid", "Vienna"),
    "fruits": ("apple", "pear", "banana", "orange", "cherry", "grape", "plum"),
    "animals": ("dog", "cat", "horse", "cow", "sheep", "lion", "bear"),
    "colours": ("red", "blue", "green", "yellow", "white", "black", "brown"),
    "vegetables": ("carrot", "potato", "onion", "tomato", "bean", "cabbage", "pea"),
    "birds": ("robin", "owl", "eagle", "swan", "crow", "duck", "sparrow"),
    "trees": ("oak", "pine", "birch", "maple", "willow", "beech", "fir"),
    "programming languages": ("Python", "C", "Java", "Rust", "Go", "JavaScript", "Ruby"),
    "metals": ("iron", "copper", "gold", "silver", "tin", "lead", "zinc"),
    "musical instruments": ("piano", "violin", "guitar", "drum", "flute", "trumpet", "harp"),
    "sports": ("football", "tennis", "swimming", "running", "hockey", "golf", "rowing"),
    "countries": ("France", "Japan", "Brazil", "Egypt", "Canada", "India", "Norway"),
}
_NUMBERS = {2: "two", 3: "three", 4: "four", 5: "five"}


def short_list(rng: random.Random) -> Exchange:
    """ "Name three fruits", answered as bullets, always from the same start."""
    what = rng.choice(sorted(_LISTS))
    n = rng.randint(2, 5)
    ask = expand(f"(name|list|give me|tell me|write down) ({_NUMBERS[n]}|{n}) {what}", rng)
    return [(command(ask, rng), "\n".join(f"- {item}" for item in _LISTS[what][:n]))]
