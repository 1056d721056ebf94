"""Small arithmetic, counting and derivatives: text with one right continuation."""

import random

from core.demo.corpus_grammar import expand
from core.demo.corpus_phrases import Exchange, command, noun, question, say

_WORDS = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
    "twenty",
]
_SIGNS = {
    "+": ("+", "plus"),
    "-": ("-", "minus"),
    "×": ("*", "x", "times", "×", "multiplied by"),
    "/": ("/", "divided by", ":"),
}
TOO_LARGE = (
    "That is beyond my arithmetic. I am a tiny demonstration model, and I can only work with small "
    "numbers."
)


def _problem(rng: random.Random) -> tuple[int, str, int, int]:
    sign = rng.choices(tuple(_SIGNS), (4, 3, 4, 2))[0]
    if sign == "+":
        a, b = (rng.randint(0, 100), rng.randint(0, 100)) if rng.random() < 0.6 else (0, 0)
        a, b = (a, b) if a + b else (rng.randint(0, 20), rng.randint(0, 20))
        return a, sign, b, a + b
    if sign == "-":
        a = rng.randint(0, 100) if rng.random() < 0.6 else rng.randint(0, 20)
        b = rng.randint(0, a)
        return a, sign, b, a - b
    a, b = rng.randint(0, 12), rng.randint(0, 12)
    if sign == "×":
        return a, sign, b, a * b
    b = max(b, 1)
    return a * b, sign, b, a


def _written(n: int, rng: random.Random) -> str:
    return _WORDS[n] if n <= 20 and rng.random() < 0.15 else str(n)


def _spoken(a: int, sign: str, b: int, rng: random.Random) -> str:
    shown = rng.choice(_SIGNS[sign])
    left, right = _written(a, rng), _written(b, rng)
    if shown in "+-*/x×:" and rng.random() < 0.3:
        return f"{left}{shown}{right}"
    return f"{left} {shown} {right}"


def _longhand(a: int, sign: str, b: int, rng: random.Random) -> str:
    ways = {
        "+": f"(add {a} and {b}|add {b} to {a}|sum {a} and {b}|give me the sum of {a} and {b})",
        "-": f"(subtract {b} from {a}|take {b} away from {a}|take {b} from {a})",
        "×": f"(multiply {a} by {b}|multiply {a} and {b}|multiply {a} with {b})",
        "/": f"(divide {a} by {b}|split {a} into {b} parts)",
    }
    return expand(ways[sign], rng)


def arithmetic(rng: random.Random) -> Exchange:
    """One to five small sums in a row."""
    turns: Exchange = []
    for i in range(rng.choices((1, 2, 3, 5), (55, 20, 15, 10))[0]):
        a, sign, b, result = _problem(rng)
        spoken = _spoken(a, sign, b, rng)
        roll = rng.random()
        if i and roll < 0.4:
            ask = say(rng.choice(("and ", "what about ", "now ", "")) + spoken, rng, typos=0)
        elif roll < 0.7:
            forms = f"(what is|how much is|whats|what's|calculate|compute|what does) {spoken}"
            ask = say(rng.choice(("", "", "hey, ", "please ", "ok, ")) + expand(forms, rng), rng)
        elif roll < 0.8:
            ask = say(
                rng.choice((spoken, f"{spoken} =", f"{spoken} = ?", f"{spoken}?")), rng, typos=0
            )
        elif roll < 0.9:
            ask = command(_longhand(a, sign, b, rng), rng)
        else:
            ask = question(f"what is {spoken}", rng)
        turns.append((ask, f"{a} {sign} {b} = {result}."))
    return turns


def too_large(rng: random.Random) -> Exchange:
    """A sum with numbers of four digits or more, and an honest answer."""
    a, b = rng.randint(1000, 10 ** rng.randint(4, 7)), rng.randint(200, 10 ** rng.randint(3, 7))
    lead, sign = rng.choice(("what is", "calculate", "how much is", "")), rng.choice("+-*/x")
    ask = say(f"{lead} {a} {sign} {b}".strip(), rng)
    return [(ask, TOO_LARGE)]


def _joined(numbers: list[int]) -> str:
    return ", ".join(map(str, numbers)) + "."


def _primes(limit: int) -> list[int]:
    return [n for n in range(2, limit + 1) if all(n % d for d in range(2, int(n**0.5) + 1))]


def _count_up(rng: random.Random) -> tuple[str, str]:
    end = rng.choice((5, 8, 10, 10, 12, 15, 20, 20, 20, 25, 30, 40, 50))
    start = 1 if rng.random() < 0.7 else rng.randint(0, end - 3)
    ask = (
        "(count|count up|count|list the numbers|write the numbers|say the numbers|numbers)"
        f" from {start} to {end}"
    )
    if start == 1 and rng.random() < 0.35:
        ask = f"(count|count up) to {end}"
    return ask, _joined(list(range(start, end + 1)))


def _count_down(rng: random.Random) -> tuple[str, str]:
    start = rng.choice((3, 5, 8, 10, 10, 10, 12, 15, 20, 20, 30))
    end = rng.choice((1, 1, 1, 0))
    tail = f" to {end}" if end == 0 or rng.random() < 0.5 else ""
    ask = f"(count down|count backwards|a countdown|do a countdown) from {start}{tail}"
    return ask, _joined(list(range(start, end - 1, -1)))


def _count_steps(rng: random.Random) -> tuple[str, str]:
    step = rng.choice((2, 2, 3, 4, 5, 5, 10, 10))
    end = step * rng.choice((5, 6, 8, 10, 10, 15 if step < 10 else 10))
    words = {2: "twos", 3: "threes", 4: "fours", 5: "fives", 10: "tens"}
    by = rng.choice((words[step], str(step), words[step], f"{step}s"))
    ask = f"count (by|in) {by} (to|up to) {end}"
    return ask, _joined(list(range(step, end + 1, step)))


def _kinds(rng: random.Random) -> tuple[str, str]:
    end = rng.choice((10, 20, 20, 30, 50))
    table: dict[str, list[int]] = {
        "even numbers": list(range(2, end + 1, 2)),
        "odd numbers": list(range(1, end + 1, 2)),
        "prime numbers": _primes(end),
        "primes": _primes(end),
    }
    what = rng.choice(sorted(table))
    verb = "(list|write|give me|name|show|write down)"
    return f"{verb} the {what} (up to|to|below|until) {end}", _joined(table[what])


def _first_n(rng: random.Random) -> tuple[str, str]:
    n = rng.choice((5, 5, 6, 8, 10, 10))
    fib = [1, 1]
    while len(fib) < 10:
        fib.append(fib[-1] + fib[-2])
    table = {
        "prime numbers": _primes(29),
        "primes": _primes(29),
        "square numbers": [i * i for i in range(1, 11)],
        "squares": [i * i for i in range(1, 11)],
        "even numbers": list(range(2, 21, 2)),
        "odd numbers": list(range(1, 20, 2)),
        "Fibonacci numbers": fib,
        "powers of two": [2**i for i in range(10)],
    }
    what = rng.choice(sorted(table))
    shown = _WORDS[n] if rng.random() < 0.5 else str(n)
    return f"(list|write|give me|name|tell me) the first {shown} {what}", _joined(table[what][:n])


def _times_table(rng: random.Random) -> tuple[str, str]:
    n = rng.randint(2, 12)
    lines = "\n".join(f"{i} × {n} = {i * n}" for i in range(1, 11))
    ask = f"(write|show|give me|list|recite) the (times table|multiplication table) (of|for) {n}"
    return ask, lines


def counting(rng: random.Random) -> Exchange:
    """A request to count or to list numbers, sometimes two."""
    makers = (_count_up, _count_down, _count_steps, _kinds, _first_n, _times_table)
    turns: Exchange = []
    for _ in range(rng.choices((1, 2), (8, 2))[0]):
        ask, reply = rng.choices(makers, (5, 3, 4, 3, 3, 2))[0](rng)
        turns.append((command(expand(ask, rng), rng), reply))
    return turns


_SQUARED = {2: ("x^2", "x²", "x squared", "x**2"), 3: ("x^3", "x³", "x cubed"), 1: ("x",)}
_SUPER = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")


def _power(factor: int, n: int) -> str:
    """`factor` times x to the n as it is printed: 6x², x, 5."""
    if n == 0:
        return str(factor)
    shown = "x" if n == 1 else "x" + str(n).translate(_SUPER)
    return shown if factor == 1 else f"{factor}{shown}"


def derivative(rng: random.Random) -> Exchange:
    """The derivative of a power or of one of the basic functions."""
    basic = {
        "sin x": "cos x",
        "cos x": "-sin x",
        "e^x": "e^x",
        "ln x": "1/x",
        "a constant": "0",
        "tan x": "1/cos² x",
        "1/x": "-1/x²",
        "√x": "1/(2√x)",
        "sin(x)": "cos x",
        "cos(x)": "-sin x",
        "ln(x)": "1/x",
    }
    if rng.random() < 0.4:
        asked = rng.choice(sorted(basic))
        shown, result = asked.replace("(x)", " x"), basic[asked]
    else:
        n, factor = rng.randint(1, 6), rng.choice((1, 1, 2, 3, 4, 5))
        shown, result = _power(factor, n), _power(factor * n, n - 1)
        asked = rng.choice(_SQUARED.get(n, (f"x^{n}", "x" + str(n).translate(_SUPER))))
        asked = asked if factor == 1 else f"{factor}{asked}"
    if rng.random() < 0.3:
        forms = "(differentiate|derive|find the derivative of|compute the derivative of)"
        ask = command(expand(forms, rng) + f" {asked}", rng)
    else:
        ask = noun(rng.choice(("the derivative of ", "derivative of ", "d/dx ")) + asked, rng)
    return [(ask, f"The derivative of {shown} is {result}.")]


def shape(rng: random.Random) -> Exchange:
    """The square, the double or the half of a small number."""
    n = rng.randint(0, 12)
    rows = (
        (f"the square of {n}", f"{n} × {n} = {n * n}."),
        (f"{n} squared", f"{n} × {n} = {n * n}."),
        (f"the square root of {n * n}", f"The square root of {n * n} is {n}."),
        (f"twice {n}", f"2 × {n} = {2 * n}."),
        (f"half of {2 * n}", f"{2 * n} / 2 = {n}."),
        (f"double {n}", f"2 × {n} = {2 * n}."),
    )
    asked, reply = rng.choice(rows)
    return [
        (
            say(
                rng.choice(("what is X", "X", "how much is X", "tell me X")).replace("X", asked),
                rng,
            ),
            reply,
        )
    ]


def is_it(rng: random.Random) -> Exchange:
    """ "Is 7 prime?" and "Is 8 even?", for numbers up to 50."""
    n = rng.randint(2, 50)
    if rng.random() < 0.6:
        ask = rng.choice((f"is {n} a prime number", f"is {n} prime", f"is {n} a prime"))
        divisor = next((d for d in range(2, n) if n % d == 0), 0)
        no = f"No, {n} is not prime: {n} = {divisor} × {n // divisor if divisor else 0}."
        return [(question(ask, rng), no if divisor else f"Yes, {n} is prime.")]
    ask = rng.choice((f"is {n} even", f"is {n} odd or even", f"is {n} an even number"))
    return [(question(ask, rng), f"{n} is {'odd' if n % 2 else 'even'}.")]
