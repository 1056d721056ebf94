"""Questions written by hand, not by the corpus generator, and what a right answer contains.

Every string of an entry must occur in the reply, whatever its case.
"""

UNSURE = "tiny demonstration model"

PHRASINGS: list[tuple[str, tuple[str, ...]]] = [
    # speculative decoding
    ("Hi! I keep hearing about speculative decoding. What is it?", ("draft model propose",)),
    ("In a nutshell, what's the trick behind speculative decoding?", ("draft model propose",)),
    ("Why on earth would adding a second model make things faster?", ("one batch",)),
    ("Explain why speculative decoding speeds up text generation", ("one batch",)),
    ("What role does the draft model play?", ("proposes the next few tokens",)),
    ("which of the two models has the last word", ("target",)),
    ("What does an acceptance rate of 80% tell me?", ("accepted",)),
    ("Could you clarify what the bonus token is?", ("bonus token",)),
    ("Are the answers still the same when a draft is used?", ("not the reply",)),
    ("When would speculation be a bad idea?", ("often wrong",)),
    ("I'd love to understand prompt lookup", ("needs no draft model",)),
    ("what's a KV cache good for?", ("keys and values",)),
    ("What is meant by TTFT in the status bar?", ("time to first token",)),
    ("What unit is tok/s?", ("tokens per second",)),
    ("What is the governor's job?", ("how many tokens to draft",)),
    ("Why has the drafting been paused?", ("target alone is faster",)),
    # the app
    ("how can I get out of this app?", ("Ctrl+Q",)),
    ("Which key do I press to stop an answer?", ("Esc",)),
    ("I want to begin a new conversation, which key is it?", ("Ctrl+N",)),
    ("How do I get a line break into my message?", ("Ctrl+J",)),
    ("What happens when I press F2?", ("next draft",)),
    ("Where do I see every draft that fits?", ("F3",)),
    ("Show me the shortcuts of this program", ("Ctrl+P", "F2")),
    ("How do I start it with two GGUF files of my own?", ("--target", "--draft")),
    ("Is there a command that checks whether my machine is ok?", ("doctor",)),
    # school
    ("What is the quadratic equation formula?", ("x = (-b ± √(b² - 4ac)) / (2a)",)),
    ("Would you write out the quadratic formula for me?", ("x = (-b ± √(b² - 4ac)) / (2a)",)),
    ("How does one calculate the area of a circle?", ("πr²",)),
    ("Please remind me of the theorem of Pythagoras", ("a² + b² = c²",)),
    ("What's the speed of light in a vacuum?", ("299,792,458",)),
    ("At how many degrees does water boil?", ("100 °C",)),
    ("Tell me the names of all the months", ("January", "December")),
    ("Which colours make up a rainbow?", ("red", "violet")),
    ("Name the planets in our solar system", ("Mercury", "Neptune")),
    ("Which city is France's capital?", ("Paris",)),
    ("tell me japans capital city please", ("Tokyo",)),
    ("What do you call the capital of Norway?", ("Oslo",)),
    ("What is water's chemical formula?", ("H₂O",)),
    ("What do I get when I differentiate x squared?", ("2x",)),
    ("Can you define what a prime number is?", ("divisible only by 1",)),
    ("How many days are there in a year?", ("365",)),
    # numbers
    ("what's 6 times 7?", ("42",)),
    ("How much is 12 plus 7?", ("19",)),
    ("If I have 9 and take away 4, what is 9 - 4?", ("5",)),
    ("What is 20 divided by 5?", ("4",)),
    ("Please count from one to ten", ("1, 2, 3, 4, 5, 6, 7, 8, 9, 10",)),
    ("Count backwards starting at 10", ("10, 9, 8",)),
    ("Could you count to 15 for me?", ("13, 14, 15",)),
    # code
    ("I need some Python that computes a factorial", ("def factorial",)),
    ("Write me a Python function which tells if a number is prime", ("def is_prime",)),
    ("How would I reverse a string using Python?", ("[::-1]",)),
    ("Show me fizzbuzz", ("FizzBuzz",)),
    ("Give me a binary search implementation", ("def binary_search",)),
    ("python function to get fibonacci numbers", ("def fibonacci",)),
    # talk and honest ignorance
    ("Hello there, friend", ("Hello",)),
    ("Thanks a bunch!", ("welcome",)),
    ("So, who exactly are you?", (UNSURE,)),
    ("Explain the causes of the French Revolution", (UNSURE,)),
    ("What's the weather going to be like in Berlin tomorrow?", (UNSURE,)),
    ("Which restaurant in Oslo would you recommend?", (UNSURE,)),
    ("Translate 'good night' into Finnish", (UNSURE,)),
    ("Who won the chess championship last year?", (UNSURE,)),
    ("How do I repair a leaking tap?", (UNSURE,)),
    ("What did my neighbour have for breakfast?", (UNSURE,)),
]
