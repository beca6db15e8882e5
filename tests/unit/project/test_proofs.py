"""The page of proofs names every long test, and says of each what its docstring says."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.proofs import BEGIN, END, PAGE, Proof, proofs, seen, table


def test_the_page_names_every_long_test_and_what_it_proves() -> None:
    page = PAGE.read_text("utf-8")
    assert table(page, {}) == page, "run `.venv/bin/python scripts/proofs.py`"


def test_a_long_test_that_does_not_say_what_it_proves_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "tests"
    folder.mkdir()
    (folder / "test_x.py").write_text("@pytest.mark.soak\ndef test_a():\n    pass\n")
    with pytest.raises(ValueError, match=r"tests/test_x.py::test_a does not say"):
        proofs(folder)
    (folder / "test_x.py").write_text('@pytest.mark.soak\ndef test_a():\n    """It is."""\n')
    assert proofs(folder) == (Proof("tests/test_x.py::test_a", "It is."),)


def test_figures_of_all_runs_of_a_test_are_added_and_others_stay() -> None:
    def run(kills: int, *, passed: bool = True) -> dict[str, object]:
        figures = {"kills": kills}
        return {"day": "2026-11-23", "passed": passed, "seconds": 2.0, "figures": figures}

    proof = Proof("tests/test_x.py::test_a", "It is.")
    soak = {
        "tests/test_x.py::test_a[1]": run(600),
        "tests/test_x.py::test_a[2]": run(600),
        "tests/test_x.py::test_ab": run(9),
    }
    assert seen(proof, soak) == ("4 s", "2026-11-23: 2 of 2 passed, kills 1,200")
    soak["tests/test_x.py::test_a[3]"] = run(1, passed=False)
    assert seen(proof, soak) == ("6 s", "2026-11-23: 2 of 3 passed, kills 1,201")
    assert seen(Proof("tests/test_y.py::test_a", "It is."), soak) is None
    page = f"before\n{BEGIN}\n{END}\nafter\n"
    filled = table(page, {one.place: run(3) for one in proofs()})
    assert filled.count("2026-11-23: passed, kills 3") == len(proofs())
    assert table(filled, {}) == filled
