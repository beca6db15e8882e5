"""Deploys one stage in the one order that is safe, and stops at the first step that fails.

The package is built, the new code is proved against the code that runs, the indexes and the first
application key are made, the package is deployed. Called by `make deploy STAGE=dev`, which puts
`cplus` and `osls` on the PATH. Needs credentials of AWS and CPLUS_MONGO_URI; prints neither these
nor the address by which the running package was fetched, which is as good as a password for ten
minutes.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import boto3
import httpx
from botocore.exceptions import BotoCoreError, ClientError

ROOT = Path(__file__).resolve().parent.parent
STAGES = ("dev", "prod")
FUNCTION = "conversations-plus-{stage}-project-conversations"
"""Whose package is the running code; all functions have the same."""


def main() -> None:
    """Takes the steps; the status is that of the first that failed."""
    parser = argparse.ArgumentParser(prog="deploy", description="Deploy one stage.")
    parser.add_argument("stage", metavar="STAGE", choices=STAGES, help=" or ".join(STAGES))
    parser.add_argument("--first", action="store_true", help="nothing runs there yet")
    parser.add_argument("--workers", type=int, default=4, help="processes that prove (4)")
    asked = parser.parse_args()
    if not os.environ.get("CPLUS_MONGO_URI"):
        _end("CPLUS_MONGO_URI has no value: the database of the stage, for the gate and indexes")
    with tempfile.TemporaryDirectory(prefix="cplus-deploy-") as folder:
        running = _running(asked.stage, Path(folder) / "running.zip", first=asked.first)
        os.environ.setdefault("CPLUS_KMS_KEY_ID", f"alias/cplus-{asked.stage}-keyring")
        _step("package", "make", "package")
        if running:
            workers = ("--workers", str(asked.workers))
            _step("prove", "cplus", "prove", "--against", str(running), *workers)
        _step("migrate", "cplus", "migrate")
        package = ("--stage", asked.stage, "--package", f"build/lambda/{asked.stage}")
        _step("deploy", "osls", "deploy", *package)
    _say(f"{asked.stage} runs this code")


def _running(stage: str, path: Path, *, first: bool) -> Path | None:
    """The package that runs as `stage`; None where nothing does and that was said beforehand.

    A wrong account or region looks like a stage that was never deployed, so it has to be said.
    """
    name, region = FUNCTION.format(stage=stage), os.environ.get("AWS_REGION", "us-east-1")
    try:
        answer = boto3.client("lambda", region_name=region).get_function(FunctionName=name)
        with httpx.stream("GET", answer["Code"]["Location"], timeout=60) as package:
            if package.status_code != httpx.codes.OK:
                _end(f"the running package could not be fetched (status {package.status_code})")
            with path.open("wb") as file:
                for piece in package.iter_bytes():
                    file.write(piece)
    except ClientError as error:
        code = error.response["Error"]["Code"]
        if code != "ResourceNotFoundException":
            _end(f"AWS does not tell of the function {name} ({code})")
        if not first:
            _end(f"no function {name} in {region}; where nothing runs yet: ARGS=--first")
        _say(f"nothing runs as {stage}, so there is nothing to prove against")
        return None
    except (BotoCoreError, httpx.HTTPError) as error:
        # Their own words may show the address.
        _end(f"the running package could not be fetched ({type(error).__name__})")
    return path


def _step(name: str, *command: str) -> None:
    _say(name)
    done = subprocess.run(command, cwd=ROOT, env=_environment(name), check=False)
    if done.returncode:
        _end(f"stopped: {name} ended with status {done.returncode}", done.returncode)


def _environment(step: str) -> Mapping[str, str]:
    """Who builds and who deploys needs no way into the database."""
    if step in ("prove", "migrate"):
        return os.environ
    return {name: value for name, value in os.environ.items() if name != "CPLUS_MONGO_URI"}


def _say(words: str) -> None:
    print(f"deploy: {words}", flush=True)


def _end(words: str, status: int = 1) -> NoReturn:
    print(f"deploy: {words}", file=sys.stderr, flush=True)
    sys.exit(status if status > 0 else 1)


if __name__ == "__main__":
    main()
