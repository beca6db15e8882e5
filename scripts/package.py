"""Builds what is deployed: one zip for all functions, and each stage's template that names it.

The zip is the same, byte for byte, for the same sources and lock: files in order of their names,
one date, one mode. Lambda: arm64, Python 3.13 (provider.runtime in serverless.yml).
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

from cplus.web.kit.i18n import LANGUAGES

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "lambda"
ARCHIVE = BUILD / "functions.zip"
STAGES = ("dev", "prod")
PLATFORM = (
    *("--platform", "manylinux2014_aarch64", "--platform", "manylinux_2_28_aarch64"),
    *("--implementation", "cp", "--python-version", "3.13", "--only-binary", ":all:"),
)
DATE = (1980, 1, 1, 0, 0, 0)  # the oldest that a zip can name
LIMIT = 250 * 1024 * 1024
"""Bytes unzipped, layers included: https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html"""


def main() -> None:
    """Builds the zip and packages every stage; prints the sizes."""
    target = BUILD / "python"
    shutil.rmtree(BUILD, ignore_errors=True)
    target.mkdir(parents=True)
    _install(target)
    _cut_botocore(target)
    cut_babel(target)
    for package in ("cplus", "lambdas"):
        shutil.copytree(ROOT / package, target / package, ignore=_not_deployed)
    unzipped = sum(path.stat().st_size for path in _files(target))
    if unzipped > LIMIT:
        sys.exit(f"package: {unzipped:,} bytes unzipped, and Lambda takes {LIMIT:,}")
    _zip(target)
    digest = hashlib.sha256(ARCHIVE.read_bytes()).hexdigest()
    print(f"{ARCHIVE.relative_to(ROOT)}: {ARCHIVE.stat().st_size / 1e6:.1f} MB zipped,", end=" ")
    print(f"{unzipped / 1e6:.1f} MB unzipped, sha256 {digest}")
    for stage in STAGES:
        _template(stage)


def _install(target: Path) -> None:
    pip = [sys.executable, "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    lock = ["--require-hashes", "--no-deps", "-r", str(ROOT / "requirements-lambda.lock")]
    subprocess.run([*pip, *PLATFORM, "--no-compile", "--target", str(target), *lock], check=True)
    shutil.rmtree(target / "bin", ignore_errors=True)  # programs, with this machine's paths


def _cut_botocore(target: Path) -> None:
    """Leaves the description of those AWS services only that cplus/aws.py asks for."""
    source = (ROOT / "cplus" / "aws.py").read_text("utf-8")
    services = set(re.findall(r"client\(\"([\w-]+)\"", source))
    data = target / "botocore" / "data"
    missing = {name for name in services if not (data / name).is_dir()}
    if missing or not services:
        sys.exit(f"package: botocore knows no service {missing or 'that cplus/aws.py names'}")
    for path in data.iterdir():
        if path.is_dir() and path.name not in services:
            shutil.rmtree(path)


def cut_babel(target: Path) -> None:
    """Leaves the data of the languages of our pages, and of `root`, which each locale builds on."""
    data = target / "babel" / "locale-data"
    wanted = {data / f"{name}.dat" for name in ("root", *LANGUAGES)}
    if missing := sorted(path.name for path in wanted if not path.is_file()):
        sys.exit(f"package: babel has no {' and no '.join(missing)}")
    for path in data.glob("*.dat"):
        if path not in wanted:
            path.unlink()


def _not_deployed(folder: str, names: list[str]) -> set[str]:
    unwanted = {"__pycache__"}
    if Path(folder) == ROOT / "cplus":
        unwanted |= {"local"}
    return unwanted & set(names)


def _files(target: Path) -> Iterator[Path]:
    # RECORD tells what pip wrote, not what was left in; nothing on Lambda reads it.
    names = (path for path in target.rglob("*") if path.is_file() and path.name != "RECORD")
    return iter(sorted(names, key=lambda path: path.relative_to(target).as_posix()))


def _zip(target: Path) -> None:
    with zipfile.ZipFile(ARCHIVE, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in _files(target):
            entry = zipfile.ZipInfo(path.relative_to(target).as_posix(), DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3  # Unix, so that the mode counts wherever it was built
            archive.writestr(entry, path.read_bytes(), zipfile.ZIP_DEFLATED, 9)


def _template(stage: str) -> None:
    folder = BUILD / stage
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    done = subprocess.run(
        [ROOT / "node_modules/.bin/osls", "package", "--stage", stage, "--package", folder],
        cwd=ROOT,
        env={**os.environ, "PATH": path, "CPLUS_LAMBDA_ZIP": str(ARCHIVE)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(f"package: osls refuses stage {stage}:\n{done.stdout}")
    template = folder / "cloudformation-template-update-stack.json"
    print(f"{template.relative_to(ROOT)}: {template.stat().st_size / 1e3:.1f} kB", end="; ")
    print(
        f"deploy it: node_modules/.bin/osls deploy --stage {stage} --package build/lambda/{stage}"
    )


if __name__ == "__main__":
    main()
