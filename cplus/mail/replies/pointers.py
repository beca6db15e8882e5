"""Knows words by which people say that they answer further down, within what they quote."""

from __future__ import annotations

import re
from typing import Final

_BELOW: Final = (
    r"below|inline|in-line|between the lines"
    r"|unten|untenstehend\w*|nachstehend\w*|im text|zwischen den zeilen|darunter"
    r"|ci-dessous|ci-après|plus bas|en dessous|dans le texte"
    r"|abajo|debajo|a continuación|entre líneas"
    r"|sotto|in basso|di seguito|in calce|tra le righe"
    r"|hieronder|onderstaand\w*|onderaan|beneden|tussen de regels"
    r"|abaixo|embaixo|em baixo|a seguir|nas entrelinhas"
    r"|poniżej|niżej|pod spodem|w tekście"
    r"|nedan|nedanför|längre ner|mellan raderna|i texten"
    r"|aşağıda\w*|aşağıya|satır aralarında"
    r"|[לבומ]?מטה|להלן|בין השורות|أدناه|بالأسفل|في الأسفل|فيما يلي"
)
_COLOURS: Final = (
    r"in (?:red|blue|green|bold|colou?r)|(?:in )?(?:rot|blau|grün|fett)|en (?:rouge|bleu|vert|gras)"
    r"|en (?:rojo|azul|verde|negrita)|in (?:rosso|blu|verde|grassetto)|in (?:het )?(?:rood|blauw)"
    r"|[ae]m? (?:vermelho|azul|verde|negrito)|na (?:czerwono|niebiesko|zielono)|i (?:rött|blått)"
)
_ANSWERS: Final = (
    r"answer|repl(?:y|ies)|respon|comment|antwort|kommentar|anmerkung|répon|commentaire|respuesta"
    r"|comentario|rispost|commenti|antwoord|opmerking|respost|comentário|odpowied|uwag|svar"
)
_POINTS: Final = (
    rf"(?<!\w)(?:{_BELOW})(?!\w)"
    rf"|(?<!\w)(?:{_ANSWERS})[^.!?\n]{{0,60}}(?<!\w)(?:{_COLOURS})(?!\w)"
    # Languages that do not part words.
    r"|以下|下記|下に|下の|赤字|青字|インライン|文中|下面|如下|下方|红字|紅字|红色|紅色|見下|见下"
)
_LENGTH = 10_000
"""Characters that are looked at: whoever answers further down says so in a few words."""


def points_below(words: str) -> bool:
    """Whether the words may say that others stand below them. It is said too often rather than too
    seldom: what it costs is that a quote is shown."""
    return _FOLDED.search(_folded(words[:_LENGTH])) is not None


def _folded(words: str) -> str:
    """The words in small letters, with one kind of i for the four that Turkish has: a search that
    minds the case takes a third of the time of one that does not."""
    return words.lower().replace("i\u0307", "i").replace("ı", "i")


_FOLDED: Final = re.compile(_folded(_POINTS))
