"""Words that customers use more when they are unhappy than when they are happy: counting, and nothing else.

English and its kin are cut at spaces. Chinese has none: there every run of two to four characters counts, between the
small words that glue sentences, and a run that nearly always stands in a longer one gives way to it. That finds names
of products and new words that no dictionary has. A dictionary's segmenter (jieba) was weighed: its last release is of
January 2020, it takes 42 MB on disk, 85 MB and a second in each process, for words that counting finds anyway.
"""

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import log, sqrt

# A word in fewer comments is a chance, and below this z as well.
COMMENTS_LEAST = 3
Z_LEAST = 1.96
PRIOR = 0.2
SHOWN, SENTENCES = 12, 3
LONGEST = 4

_LATIN = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_SENTENCE = re.compile(r"[^.!?。！？;；\n]+[.!?。！？;；]*")
_GLUE = frozenset(
    "的了是在我你您他她它们这那有和与也都就很不没要会把被给让到去来说上下个着过吗呢吧啊还又更最太从对为以而但或及"
)
_COMMON = """
    a about after again all also always am an and any are as at be because been before being but by can could did do
    does doing don't for from get got had has have he her here him his how i i'm i've if in into is it it's its just
    like me more most much my no not nobody of on one only or other our out over she should so some still than that
    the their them then there they this to too two up us very was we were what when where which while who why will
    with would you your
"""
_STOP = frozenset(_COMMON.split())


@dataclass(frozen=True, slots=True)
class Theme:
    """`low` and `high` are how many comments of each mood have the word; `z` above 0 means that it belongs to low
    scores. `sentences` are the newest with it, each with the id of its comment."""

    word: str
    low: int
    high: int
    z: float
    sentences: tuple[tuple[int, str], ...]


def themes(low: Sequence[tuple[int, str]], high: Sequence[tuple[int, str]]) -> list[Theme]:
    """Of comments (id, text) beside low and beside high scores, the newest first: the words that stand out most, those
    of low scores before those of high ones.

    By the log-odds ratio with an informative Dirichlet prior, in units of its own spread: all comments together, at a
    fifth of their weight, are what is expected of both sides, so rare words do not jump to the top. What is counted is
    comments with a word and without it, so that long comments weigh no more. Source: B. L. Monroe, M. P. Colaresi and
    K. M. Quinn, "Fightin' Words: Lexical Feature Selection and Evaluation for Identifying the Content of Political
    Conflict", Political Analysis 16 (2008), 372–403.
    """
    bad, good = _counted(low), _counted(high)
    whole = PRIOR * (len(low) + len(high))
    found = []
    for word, count in _without_parts(bad + good).items():
        prior = PRIOR * count
        parts = bad[word] + prior, good[word] + prior
        rests = len(low) + whole - parts[0], len(high) + whole - parts[1]
        if count < COMMENTS_LEAST or min(rests) < PRIOR / 2:  # a word of all comments tells nothing
            continue
        spread = sqrt(sum(1 / number for number in (*parts, *rests)))
        z = (log(parts[0] / rests[0]) - log(parts[1] / rests[1])) / spread
        if abs(z) >= Z_LEAST:
            found.append((z, word))
    worst = sorted((each for each in found if each[0] > 0), key=lambda each: (-each[0], each[1]))[:SHOWN]
    best = sorted(each for each in found if each[0] < 0)[:SHOWN]
    return [
        Theme(word, bad[word], good[word], z, tuple(_sentences(word, low if z > 0 else high)))
        for z, word in [*worst, *best]
    ]


def words(text: str) -> set[str]:
    """All that count in a text, in small letters."""
    small = text.lower().replace("’", "'")
    latin = {word.removesuffix("'s") for word in _LATIN.findall(_HAN.sub(" ", small))}
    return {word for word in latin if len(word) > 1 and word not in _STOP} | set(_runs(small))


def _counted(comments: Sequence[tuple[int, str]]) -> Counter[str]:
    return Counter(word for _pk, text in comments for word in words(text))


def _runs(text: str) -> Iterator[str]:
    for run in _HAN.findall(text):
        for part in "".join(" " if sign in _GLUE else sign for sign in run).split():
            for length in range(2, LONGEST + 1):
                for start in range(len(part) - length + 1):
                    yield part[start : start + length]


def _without_parts(together: Counter[str]) -> dict[str, int]:
    """Without Chinese runs that in four of five comments stand in one and the same longer run."""
    swallowed: dict[str, int] = defaultdict(int)
    for word, count in together.items():
        if _HAN.match(word) and count >= COMMENTS_LEAST:
            for length in range(2, len(word)):
                for start in range(len(word) - length + 1):
                    part = word[start : start + length]
                    swallowed[part] = max(swallowed[part], count)
    return {word: count for word, count in together.items() if 5 * swallowed.get(word, 0) < 4 * count}


def _sentences(word: str, comments: Sequence[tuple[int, str]]) -> Iterator[tuple[int, str]]:
    """The newest few of different wording."""
    told: set[str] = set()
    for pk, text in comments:
        for sentence in map(str.strip, _SENTENCE.findall(text)):
            if len(told) < SENTENCES and sentence not in told and word in words(sentence):
                told.add(sentence)
                yield pk, sentence
