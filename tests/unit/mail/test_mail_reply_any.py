"""What holds for the reply of any mail, however its lines are put together."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cplus.mail.replies.marker import marker_line
from cplus.mail.replies.reply import reply_text

SHOP = "Shop <shop@mail.cplus.example>"
LINES = st.sampled_from(
    [
        *("", " ", "Hello", "Size 42.", "The carrier said:", "> quoted", ">> twice", "> ", "--"),
        *("-- ", "Regards,", "Ines", "Order #1042", "Sent from my iPhone", marker_line("abcdefgh")),
        *("> " + marker_line("abcdefgh"), f"On Mon, 23 Nov 2026 at 10:00, {SHOP} wrote:", "wrote:"),
        *("> On 23 Nov 2026, at 10:00, X <x@y.example> wrote:", f"From: {SHOP}", "Sent: 1.1.2026"),
        *("To: Ines", "Subject: Jug", "________________________", "Begin forwarded message:"),
        *("-----Original Message-----", "\x1c", "##- Reply above", "line -##", "am 2.11.2026:"),
    ]
)


@settings(max_examples=500)
@given(st.lists(LINES | st.text(max_size=8), max_size=25), st.booleans(), st.booleans())
def test_the_reply_has_lines_of_the_text_in_order_and_is_never_lost(
    lines: list[str], answers: bool, forwards: bool
) -> None:
    text = "\n".join(lines)
    reply = reply_text(text, answers=answers, forwards=forwards)
    assert bool(reply) == bool(text.strip())
    # Its lines stand in the text and follow each other there, but for white space around it all.
    said, of = [line.strip() for line in reply.split("\n")], [x.strip() for x in text.split("\n")]
    assert any(of[at : at + len(said)] == said for at in range(len(of)))


@settings(max_examples=200)
@given(st.lists(LINES, max_size=25))
def test_the_words_of_a_first_mail_without_quotes_are_all_shown(lines: list[str]) -> None:
    plain = [one for one in lines if ">" not in one and "##-" not in one and "--" not in one]
    text = "\n".join([*plain, "It is number 7."])
    assert reply_text(text) == text.strip()
