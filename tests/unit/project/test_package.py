"""What is left of a library in the package for Lambda is enough for what we use of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import babel

from scripts.package import cut_babel
from tests.conftest import ROOT

PAGE = """
import datetime, babel
from zoneinfo import ZoneInfo
from cplus.web.kit import formats
from cplus.web.kit.i18n import speak

moment = datetime.datetime(2026, 11, 3, 13, 2, tzinfo=datetime.UTC)
print(babel.__file__)
print(formats.money("1234.5", "KRW"), formats.money("-3", "KWD"), formats.money("1", "EUR"))
print(formats.full_time(moment, ZoneInfo("Europe/Oslo")), formats.calendar(moment.date()))
speak("de")
print(formats.money("1234.5", "EUR"), formats.full_time(moment, ZoneInfo("Europe/Oslo")))
"""


def test_pages_tell_money_and_dates_by_the_data_that_is_packaged(tmp_path: Path) -> None:
    shutil.copytree(Path(babel.__file__).parent, tmp_path / "babel")
    cut_babel(tmp_path)
    left = {path.name for path in (tmp_path / "babel" / "locale-data").iterdir()}
    assert {name for name in left if name.endswith(".dat")} == {"root.dat", "en.dat", "de.dat"}
    path = os.pathsep.join([str(tmp_path), str(ROOT)])
    shown = subprocess.run(
        [sys.executable, "-c", PAGE],
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout.splitlines() == [
        str(tmp_path / "babel" / "__init__.py"),
        "₩1,234 -3.000 KWD €1.00",
        "3 Nov 2026, 14:02 3 Nov",
        "1.234,50\u00a0€ 3. Nov. 2026, 14:02",
    ]
