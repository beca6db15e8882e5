"""HTML of strangers: harmless, in bounded memory and time, and none of its words lost."""

from __future__ import annotations

import random
import subprocess
import sys

import pytest

from cplus.mail.reading.html import sanitise
from cplus.mail.reading.html_text import to_text
from tests.conftest import ROOT

FORMATTING = "b,big,code,em,font,i,nobr,s,small,strike,strong,tt,u".split(",")  # noqa: SIM905
BLOCKS = "p,div,li,td,table,button,object,blockquote,select,svg,a,h1,form,br".split(",")  # noqa: SIM905
SHAPES = ["<{0} id={1}>", "<{0}>", "</{0}>", "x", "<{0}/title='{1}'>", "<{0} "]
MEMORY = 1024 * 1024 * 1024  # bytes of addresses, of which Python with its modules takes a third
SECONDS = 30


def built(kind: str) -> str:
    """HTML that makes a parser work: formatting that is left open is opened anew in each block."""
    each = "".join(f"<{one}>" * 3 for one in FORMATTING)
    unlike = "".join(f"<{FORMATTING[n % 13]} title={n}>" for n in range(1_500))
    return {
        "left open": f"<p>{unlike}" + "<p>x</p>" * 4_000,
        "closed in the wrong order": unlike + "</b>x<p>y</p>" * 4_000,
        "alike": each + "<p>x</p>" * 9_000,
        "behind fences": (each + "<td>") * 100 + "<p>x</p>" * 7_000,
        "deep": (each + "<div>") * 100 + "<p>x</p>" * 7_000,
        "links": "<a href=http://a.example/1><div>" * 2_000 + "<p>x</p>" * 5_000,
        "scripts": "<script>" * 30_000,
        "comments": "<!--" * 60_000,
        "half tags": "<b " * 80_000 + ">",
        "references": "&" * 250_000,
        "never ended": "<b </" * 40_000,
        "attributes": "<p " + " ".join(f"a{n:x}" for n in range(150_000)) + ">",
        "hidden attributes": '<p x=">" ' + " ".join(f"a{n:x}" for n in range(150_000)) + ">",
        "out of step": '<!-- <p a=" --><p ' + " ".join(f"a{n:x}" for n in range(90_000)) + ">",
        "in a title": '<title><p a="</title><p ' + " ".join(f"a{n:x}" for n in range(90_000)) + ">",
        "many long": ("<p " + " ".join(f"a{n:x}" for n in range(700)) + ">") * 400,
    }[kind]


def by_chance(seed: int) -> str:
    """Any tags in any order: opened, closed, half, with attributes and without."""
    chance = random.Random(seed)
    tags = [*FORMATTING, *BLOCKS]
    parts = []
    for _ in range(chance.choice([2_000, 9_000])):
        tag = chance.choice(tags[:13] if chance.random() < 0.4 else tags)
        shape = chance.choice(
            ["<{0} id={1}>", "<{0}>", "</{0}>", "x", "<{0}/title='{1}'>", "<{0} "]
        )
        parts.append(shape.format(tag, chance.randrange(10_000)) * chance.choice([1, 1, 20]))
    return "".join(parts)[:250_000]


def bounded(program: str) -> subprocess.CompletedProcess[str]:
    """Runs a program that may use so much memory and time, and no more."""
    limits = (
        "import resource\n"
        f"resource.setrlimit(resource.RLIMIT_AS, ({MEMORY}, {MEMORY}))\n"
        f"resource.setrlimit(resource.RLIMIT_CPU, ({SECONDS}, {SECONDS}))\n"
    )
    return subprocess.run(
        [sys.executable, "-c", limits + program],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )


def test_html_that_is_built_to_explode_takes_little_memory_and_time() -> None:
    kinds = ["left open", "closed in the wrong order", "alike", "behind fences", "deep"]
    kinds += ["links", "scripts", "comments", "half tags", "references", "never ended"]
    kinds += ["attributes", "hidden attributes", "out of step", "in a title", "many long"]
    ran = bounded(
        "from cplus.mail.reading.html import sanitise\n"
        "from cplus.mail.reading.html_text import to_text\n"
        "from tests.unit.mail.test_mail_html import built\n"
        f"for kind in {kinds!r}:\n"
        "    print(kind, len(to_text(sanitise(built(kind))[0])))\n"
    )
    assert ran.returncode == 0, ran.stderr[-500:]
    assert [line.rpartition(" ")[0] for line in ran.stdout.splitlines()] == kinds


def test_no_html_by_chance_takes_much_memory_or_time() -> None:
    ran = bounded(
        "from cplus.mail.reading.html import sanitise\n"
        "from cplus.mail.reading.html_text import to_text\n"
        "from tests.unit.mail.test_mail_html import by_chance\n"
        "print(sum(len(to_text(sanitise(by_chance(seed))[0])) for seed in range(15)))\n"
    )
    assert ran.returncode == 0, ran.stderr[-500:]
    assert int(ran.stdout) > 0


@pytest.mark.parametrize(
    ("html", "defect"),
    [
        ("<div>" * 6_000 + "Is it &lt;blue&gt;?" + "</div>" * 10, "html nested too deeply"),
        ("<p>Is it &lt;blue&gt;?</p>" + "<p></p>" * 11_000, "html with more than 20,000 tags"),
    ],
)
def test_the_words_of_html_that_is_too_much_are_kept(html: str, defect: str) -> None:
    clean, defects = sanitise(f"<style>p {{ color: red }}</style>{html}<p>Yours, Ada</p>")
    assert defects == [defect]
    assert to_text(clean).split("\n\n") == ["Is it <blue>?", "Yours, Ada"]


def test_a_list_of_many_lines_is_not_deep() -> None:
    lines = [f"SN{number:05}" for number in range(6_000)]
    clean, defects = sanitise("<p>Please check:</p>" + "<br>\n".join(lines))
    assert (to_text(clean).split(), defects) == (["Please", "check:", *lines], [])


def test_a_pasted_picture_costs_no_word_behind_it() -> None:
    picture = "iVBORw0KGgo" * 200_000
    clean, defects = sanitise(f'<img src="data:image/png;base64,\n{picture}"><p>It came like this.')
    assert (to_text(clean), defects) == ("It came like this.", [])


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("<title>Shop news</title><p>Order 4711", "Order 4711"),
        ("<title>x<p>Order 4711 please", "x\n\nOrder 4711 please"),
        ("<p>Hello</p><title>Order 4711: where is it?</p>", "Hello\n\nOrder 4711: where is it?"),
        ("<p>Hello</p><title>Order 4711</title>", "Hello\n\nOrder 4711"),
        ("<p>A<!-- <p>hidden --> B<style>p > b {}</style></p><textarea>C</textarea>", "A B C"),
        ("<p>Your page says 'data: order 4711, Rome' but I am Bob</p>",
         "Your page says 'data: order 4711, Rome' but I am Bob"),
        ('<p>1 < 2 and <b class="x>y">bold</b> "a>b"</p>', '1 < 2 and bold "a>b"'),
    ],
)  # fmt: skip
def test_no_words_are_lost_to_what_a_parser_reads_otherwise(html: str, words: str) -> None:
    clean, defects = sanitise(html)
    assert " ".join(to_text(clean).split()) == " ".join(words.split())
    assert defects == []


def test_formatting_stays_without_its_attributes() -> None:
    clean, defects = sanitise('<p><b class="x" title="a">Blue</b> and <a href="http://a.example">')
    assert (clean, defects) == (
        '<p><b>Blue</b> and <a href="http://a.example" rel="noopener noreferrer"></a></p>',
        [],
    )
