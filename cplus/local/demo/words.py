"""Invented shops, people and words for the demo."""

from __future__ import annotations

from typing import Final, NamedTuple


class Trade(NamedTuple):
    """A demo shop: what it is called and what it sells."""

    name: str
    timezone: str
    currency: str
    goods: tuple[str, ...]


TRADES: Final = (
    Trade("Blue Jam", "America/New_York", "USD", ("plum jam", "fig chutney", "tasting box")),
    Trade(
        "Tidewater Candles", "Europe/Berlin", "EUR", ("sea-salt candle", "wick trimmer", "gift set")
    ),
    Trade("Fern and Thread", "Europe/London", "GBP", ("linen apron", "mending kit", "wool throw")),
    Trade(
        "Copper Kettle",
        "Australia/Sydney",
        "AUD",
        ("stovetop kettle", "tea strainer", "oolong tin"),
    ),
    Trade(
        "Night Owl Books", "America/Toronto", "CAD", ("reading lamp", "atlas", "box of mysteries")
    ),
    Trade("Paper Harbor", "Asia/Tokyo", "JPY", ("fountain pen", "ruled notebook", "letter set")),
)

FIRST_NAMES: Final = (
    *("Ada", "Bruno", "Chidi", "Dalia", "Emre", "Freya", "Goran", "Hana", "Ines", "Jonas"),
    *("Kofi", "Lena", "Mina", "Niko", "Oona", "Pavel", "Quinn", "Rosa", "Sami", "Tove"),
    *("Uma", "Viktor", "Wren", "Ximena", "Yusuf", "Zora", "Zoë", "Łukasz", "Åsa", "Núria"),
)
LAST_NAMES: Final = (
    *("Abara", "Brandt", "Castro", "Diallo", "Eriksen", "Fontaine", "Galli", "Horvat"),
    *("Ivanova", "Jensen", "Kimura", "Lindqvist", "Moreau", "Novak", "Okafor", "Petrov"),
    *("Quispe", "Rahimi", "Sato", "Takala", "Ueda", "Vargas", "Weiss", "Yilmaz", "Zielinski"),
)
DOMAINS: Final = ("example.com", "example.org", "example.net")
COUNTRIES: Final = ("US", "DE", "GB", "FR", "CA", "AU", "SE", "JP")

SUBJECTS: Final = (
    "Question about the {good}",
    "My {good} has not arrived",
    "Is the {good} coming back?",
    "A present: {good}",
    "Wrong {good} in the parcel",
    "Larger order of the {good}",
)
QUESTIONS: Final = (
    "Is the {good} back in stock soon?\n\nI would take two. Thank you!",
    "Where is my {good}?\n\nI ordered it ten days ago, and it is not here yet.",
    "Do you ship the {good} abroad?\n\nAnd what would that cost?",
    "The {good} came with a dent.\n\nIt was meant as a present. What can we do?",
    "We would like 25 of the {good} for an office party.\n\nIs there a price for that?",
    "Can I still change the address of my order?\n\nThe {good} should go to my sister.",
)
FOLLOW_UPS: Final = (
    "One more thing: could you wrap it as a gift?",
    "I forgot to say: the green one, please.",
    "Sorry to ask again. Is there any news?",
)
ANSWERS: Final = (
    "Hello {name},\n\nthank you for writing. The {good} is back on Thursday; one is yours.",
    "Hi {name},\n\nI am sorry about that. A new {good} leaves today, and you keep the other one.",
    "Hello {name},\n\nyes, we ship there. It is 6.90 for the {good}, and takes about five days.",
    "Hi {name},\n\nfor 25 of the {good} we take a tenth off. Shall I send you an invoice?",
    "Hello {name},\n\ndone: your order goes to the new address.",
)
THANKS: Final = (
    "That is very kind, thank you!",
    "Perfect. Please go ahead.",
    "Thanks for the quick answer. Then I will wait until Thursday.",
    "Great, and could you add a second one to my order?",
)
AWAY: Final = "I am out of the office until Monday and will read your mail then."
NOTES: Final = (
    "prefers mail",
    "asked for gift wrap",
    "regular since spring",
    "allergic to nuts",
    "office on the second floor",
    "called about a parcel",
    "met at the market",
)
