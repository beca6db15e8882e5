"""Invented shops, people and words for the demo."""

from __future__ import annotations

from typing import Final, NamedTuple


class Trade(NamedTuple):
    """A demo shop: what it is called and what it sells."""

    name: str
    timezone: str
    country: str
    currency: str
    goods: tuple[str, ...]


TRADES: Final = (
    Trade("Blue Jam", "America/New_York", "US", "USD", ("plum jam", "fig chutney", "tasting box")),
    Trade(
        "Tidewater Candles",
        "Europe/Berlin",
        "DE",
        "EUR",
        ("sea-salt candle", "wick trimmer", "gift set"),
    ),
    Trade(
        "Fern and Thread",
        "Europe/London",
        "GB",
        "GBP",
        ("linen apron", "mending kit", "wool throw"),
    ),
    Trade(
        "Copper Kettle",
        "Australia/Sydney",
        "AU",
        "AUD",
        ("stovetop kettle", "tea strainer", "oolong tin"),
    ),
    Trade(
        "Night Owl Books",
        "America/Toronto",
        "CA",
        "CAD",
        ("reading lamp", "atlas", "box of mysteries"),
    ),
    Trade(
        "Paper Harbor", "Asia/Tokyo", "JP", "JPY", ("fountain pen", "ruled notebook", "letter set")
    ),
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


class Topic(NamedTuple):
    """What a conversation is about; every text of it fits every other."""

    subject: str
    questions: tuple[str, ...]
    follow_ups: tuple[str, ...]
    """What the shopper adds before an answer came."""
    answers: tuple[str, ...]
    replies: tuple[str, ...]
    """What the shopper says to an answer."""
    last_words: tuple[str, ...]
    """What the merchant says to that."""


TOPICS: Final = (
    Topic(
        "Is the {good} coming back?",
        (
            "Is the {good} back in stock soon?\n\nI would take two. Thank you!",
            "The page says that the {good} is sold out.\n\nWhen will there be more?",
            "I missed the last {good}.\n\nCan I have one put aside when it is back?",
        ),
        (
            "One more thing: would it be here by the weekend?",
            "I forgot to say: one would do, if there are not two.",
            "Sorry to ask again. Is there any news?",
        ),
        (
            (
                "Hello {name},\n\nthank you for writing. The {good} is back on Thursday; "
                "I have put one aside for you."
            ),
            "Hi {name},\n\nwe expect the {good} within a week. I will write as soon as it is here.",
            "Hello {name},\n\nit is back already: a box came in this morning.",
        ),
        (
            "That is very kind, thank you!",
            "Thanks for the quick answer. Then I will wait for it.",
            "Great. I will order it then.",
        ),
        ("You are welcome, {name}.", "Gladly, {name}. Until then!", "My pleasure, {name}."),
    ),
    Topic(
        "My {good} has not arrived",
        (
            "Where is my {good}?\n\nI ordered it ten days ago, and it is not here yet.",
            "The tracking of my {good} has not moved since Monday.\n\nIs it lost?",
            "My {good} was to come last week.\n\nCan you see where it is?",
        ),
        (
            "I asked the neighbours, too: nobody took it.",
            "I forgot to say: the tracking page knows nothing.",
            "Sorry to ask again. Is there any news of the parcel?",
        ),
        (
            (
                "Hi {name},\n\nI am sorry. The parcel waits at the post office; "
                "it should reach you tomorrow."
            ),
            "Hello {name},\n\nthe carrier has lost it, I fear. A new {good} leaves today.",
            (
                "Hi {name},\n\nI have asked the carrier and write again tomorrow. "
                "If it is lost, you get a new {good}."
            ),
        ),
        (
            "Thank you for looking into it!",
            "All right, then I will wait until tomorrow.",
            "Thanks. It is a present for Saturday, so I hope that it comes in time.",
        ),
        (
            "I keep an eye on it, {name}.",
            "It is on its way, {name}. Write at once if it does not come.",
            "Thank you for your patience, {name}.",
        ),
    ),
    Topic(
        "Shipping the {good} abroad",
        (
            "Do you ship the {good} abroad?\n\nAnd what would that cost?",
            "I live overseas and would like the {good}.\n\nHow long does the parcel take?",
            "Can you send the {good} to a friend in another country?\n\nShe has a birthday soon.",
        ),
        (
            "One more thing: would there be customs to pay?",
            "I forgot to say: it would be two of them.",
            "Sorry to ask again. Do you ship there at all?",
        ),
        (
            (
                "Hello {name},\n\nyes, we do. Shipping the {good} costs 6.90 "
                "and takes about five days."
            ),
            "Hi {name},\n\ngladly. It takes a week at most, and above 60 shipping is free.",
            "Hello {name},\n\nof course. The till shows the price for each country.",
        ),
        (
            "Perfect. I will order today.",
            "That is faster than I thought, thank you!",
            "Good to know. Do I get a tracking number?",
        ),
        (
            "Thank you, {name}. The tracking number comes by mail.",
            "It leaves on the day of the order, {name}, with tracking.",
            "Gladly, {name}. Every parcel is tracked.",
        ),
    ),
    Topic(
        "The {good} came damaged",
        (
            "The {good} came with a dent.\n\nIt was meant as a present. What can we do?",
            "I opened the parcel, and the {good} is damaged.\n\nCan I have another one?",
            "The box was crushed, and so is the {good}.\n\nHow do I send it back?",
        ),
        (
            "I have taken pictures, if you need them.",
            "I forgot to say: the box itself looked fine.",
            "Sorry to ask again. Shall I send it back?",
        ),
        (
            (
                "Hi {name},\n\nI am sorry about that. A new {good} leaves today, "
                "and you keep the other one."
            ),
            (
                "Hello {name},\n\nthat should not happen. Would you like a new {good}, "
                "or your money back?"
            ),
            "Hi {name},\n\nplease keep it: a new {good} is packed already, with more padding.",
        ),
        (
            "That is very kind, thank you!",
            "A new one, please. Thank you for being so quick.",
            "Wonderful. Then the present is saved.",
        ),
        (
            "It is the least we can do, {name}.",
            "Done, {name}. I am sorry for the trouble.",
            "Thank you for telling us, {name}.",
        ),
    ),
    Topic(
        "Larger order of the {good}",
        (
            "We would like 25 of the {good} for an office party.\n\nIs there a price for that?",
            "Could you make 25 of the {good} by the end of the month?\n\nThey are for our team.",
            "Is there a discount on 25 of the {good}?\n\nWe give them to our guests.",
        ),
        (
            "One more thing: could you wrap each of them as a gift?",
            "I forgot to say: we need an invoice with our address.",
            "Sorry to ask again. We would like to decide this week.",
        ),
        (
            "Hi {name},\n\nfor 25 of the {good} we take a tenth off. Shall I send you an invoice?",
            "Hello {name},\n\ngladly. We need a week for so many, and they ship for free.",
            (
                "Hi {name},\n\nthat works. From 20 on there is a tenth off; "
                "I can have them ready on Friday."
            ),
        ),
        (
            "Perfect. Please go ahead.",
            "That sounds good. I will ask my colleagues and order tomorrow.",
            "Great, and could you make it 30?",
        ),
        (
            "Thank you, {name}. The invoice is on its way.",
            "Gladly, {name}. I have noted it.",
            "That is fine, {name}. I will set them aside.",
        ),
    ),
    Topic(
        "Another address for the {good}",
        (
            "Can I still change the address of my order?\n\nThe {good} should go to my sister.",
            "I typed the wrong house number for the {good}.\n\nCan you correct it?",
            "I am moving this week.\n\nCan the {good} go to the new address?",
        ),
        (
            "One more thing: please leave the bill out of the parcel.",
            "I forgot to say: it is the order of yesterday.",
            "Sorry to ask again. Has it left already?",
        ),
        (
            "Hello {name},\n\nyes, it has not left yet. Please write me the new address.",
            "Hi {name},\n\njust in time. Which address shall it be?",
            (
                "Hello {name},\n\nthat can be done. Send me the address, "
                "and the {good} goes there tomorrow."
            ),
        ),
        (
            "Thank you! It is 2 Sample Lane, Sampleton.",
            "Great. 14 Example Road, please, the same town.",
            "Very kind. Please send it to 7 Model Street, Sampleton.",
        ),
        (
            "Done, {name}: your order goes to the new address.",
            "Noted, {name}. The parcel leaves with the new address.",
            "Changed, {name}. You get a mail when it leaves.",
        ),
    ),
)
AWAY: Final = "I am out of the office until Monday and will read your mail then."
NOTES: Final = (
    "Prefers mail over phone",
    "Asked for gift wrap",
    "Regular since spring",
    "Allergic to nuts",
    "Office on the second floor",
    "Called about a late parcel",
    "Met at the market",
    "Likes to hear of new things first",
    "Parcels go to the neighbour",
    "Orders for the whole family",
    "Pays by invoice",
    "Wants no samples in the parcel",
)
