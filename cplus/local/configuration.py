"""Reads what runs in the local stack, and what its functions are told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cplus.local.application import Application
from cplus.local.aws import ACCOUNT, REGION, environment
from cplus.local.serverless import read
from cplus.settings import Settings

_ROOT: Final = Path(__file__).resolve().parents[2]


def read_application(endpoint: str, mail_domain: str) -> Application:
    """The application of serverless.yml and its foundation; `endpoint` is where AWS is."""
    return read(
        _ROOT / "serverless.yml",
        _ROOT / "infra" / "foundation.yml",
        account=ACCOUNT,
        region=REGION,
        env={},
        endpoint=endpoint,
        mail_domain=mail_domain,
    )


def configured(
    application: Application, own: Mapping[str, str], endpoint: str
) -> tuple[dict[str, str], Settings]:
    """The variables that each function gets besides those that serverless.yml declares for it, and
    the settings; `own` are the stack's, `endpoint` is where AWS is."""
    declared = application.functions["web"].environment
    # Values that only CloudFormation could resolve are left out.
    empty = {name: "" for name, value in declared.items() if "{{resolve:" in value}
    every = {**declared, **empty, **own}
    # Strings, as in a function's environment; pydantic converts them.
    settings = Settings.model_validate(
        {
            name.removeprefix("CPLUS_").lower(): value
            for name, value in every.items()
            if name.startswith("CPLUS_") and value
        }
    )
    return {**empty, **environment(endpoint), **own}, settings
