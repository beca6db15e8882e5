"""Messages of large shops for search, in which words are as frequent as in people's mails; and what
is asked for."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from cplus.events.catalogue.conversations import MessageReceived
from cplus.projections.base import Row
from cplus.projections.models import message_words, messages
from cplus.projections.testing import told

WORDS: Final = 60_000
PER_CONVERSATION: Final = 2
_CONSONANTS, _VOWELS = "bcdfghjklmnprstvwz", "aeiou"


def _word(number: int) -> str:
    made, left = "", number + 30
    while left:
        made += _CONSONANTS[left % 18] + _VOWELS[(left // 18) % 5]
        left //= 90
    return made


VOCABULARY: Final = [_word(number) for number in range(WORDS)]
"""The most frequent first: the n-th is about n times as rare as the first (Zipf's law)."""
EVEN, ODD = "alpha", "omega"
"""Words of every second message each, which stand in none together."""


class Texts:
    """Texts of 15 to 60 words, the same for each run."""

    def __init__(self) -> None:
        self._random = random.Random(1)
        weights = itertools.accumulate(1 / (number + 3) for number in range(WORDS))
        self._pool = self._random.choices(VOCABULARY, cum_weights=list(weights), k=2_000_000)

    def some(self, length: int) -> list[str]:
        """Words as they follow each other in a text."""
        start = self._random.randrange(len(self._pool) - length)
        return self._pool[start : start + length]

    def mail(self, number: int, at: datetime) -> MessageReceived:
        """A message of one of a thousand people."""
        said = self.some(self._random.choice((15, 30, 45, 60)))
        who = number % 1_000
        return MessageReceived(
            originator_id=f"conversation/c{number // PER_CONVERSATION:07}",
            originator_version=2 + number % PER_CONVERSATION,
            timestamp=at,
            person=f"person/p{number // PER_CONVERSATION:07}",
            message_id=f"m{number:023}",
            from_name=f"{VOCABULARY[-1 - who]} {VOCABULARY[-1001 - who]}",
            from_address=f"{VOCABULARY[-1 - who]}{who}@example.com",
            subject=" ".join(said[:4]),
            text=" ".join([*said, EVEN if number % 2 else ODD]),
            rfc_message_id=None,
            attachments=int(number % 20 == 0),
        )


def rows(
    texts: Texts, conversations: int, now: datetime
) -> Iterator[tuple[tuple[str, Row], tuple[str, Row]]]:
    """The rows of each message and of its words, the newest first, a minute apart."""
    for number in range(conversations * PER_CONVERSATION):
        mail = texts.mail(number, now - timedelta(minutes=number))
        key, event = mail.message_id, told(mail)
        # Folded by nothing but the folds: so many of them take a while.
        message, words = messages.evolve(key, None, event), message_words.evolve(key, None, event)
        assert message is not None
        assert words is not None
        yield (key, message), (key, words)


def queries(texts: Texts, rounds: int) -> dict[str, Sequence[dict[str, Any]]]:
    """What is asked for, by its kind."""
    chance = random.Random(2)

    def word(first: int, last: int) -> str:
        return chance.choice(VOCABULARY[first:last])

    def kind(make: Any) -> list[dict[str, Any]]:
        return [one if isinstance(one := make(), dict) else {"q": one} for _ in range(rounds)]

    return {
        "a frequent word": kind(lambda: word(0, 20) + " "),
        "a rare word": kind(lambda: word(5_000, 50_000) + " "),
        "an address": kind(
            lambda: f"{VOCABULARY[-1 - (n := chance.randrange(1_000))]}{n}@example.com"
        ),
        "the beginning of a word": kind(lambda: word(100, 5_000)[:4]),
        "two letters": kind(lambda: word(0, 500)[:2]),
        "a frequent and a rare word": kind(lambda: f"{word(0, 20)} {word(2_000, 20_000)} "),
        "two words in quotes": kind(lambda: '"' + " ".join(texts.some(2)) + '"'),
        "words that nobody wrote": kind(lambda: f"{word(0, 20)} qqq{chance.randrange(10**6)} "),
        "ten words at once": kind(lambda: " ".join(texts.some(10)) + " "),
        "a word, awaiting reply, with files": kind(
            lambda: {"q": word(0, 200) + " ", "state": "unanswered", "files": "1"}
        ),
        "two frequent words that never meet": kind(lambda: f"{EVEN} {ODD} "),
    }
