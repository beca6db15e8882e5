"""How log lines look: one JSON object a line, or coloured text on a terminal."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TextIO

import structlog

from cplus.settings import Settings


def configure(level: str = "info", *, stream: TextIO | None = None) -> None:
    """Sets up structlog for the process. `level` is the setting `log_level`; lines go to `stream`,
    to standard output where there is none.

    CloudWatch and the local stack read standard output line by line, so a traceback is one field
    of the line and never lines of its own.
    """
    shown: list[structlog.typing.Processor] = (
        [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
        if not (stream or sys.stdout).isatty()
        else [structlog.dev.ConsoleRenderer()]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        logger_factory=structlog.PrintLoggerFactory(stream),
    )


def configure_command(settings: Settings) -> None:
    """The log of a command that a person runs: on standard error, warnings and what is worse, or
    what the setting `log_level` asks for where it is set."""
    asked = "log_level" in settings.model_fields_set
    configure(settings.log_level if asked else "warning", stream=sys.stderr)


def measure(
    event: str,
    namespace: str,
    moment: datetime,
    dimensions: Mapping[str, str],
    by: Sequence[Sequence[str]],
    values: Mapping[str, tuple[float, str]],
) -> None:
    """Writes the line `event` that CloudWatch takes metrics from, whatever the level of the log.

    `values` are (value, unit) by name. `by` names the dimensions that each value is kept by, more
    than once if need be: none at all is `()`. Source: CloudWatch, "Specification: Embedded metric
    format".
    """
    metrics = [{"Name": name, "Unit": unit} for name, (_, unit) in values.items()]
    directive = {"Namespace": namespace, "Dimensions": list(map(list, by)), "Metrics": metrics}
    stamp = int(moment.timestamp() * 1000)
    line = {
        "event": event,
        "_aws": {"Timestamp": stamp, "CloudWatchMetrics": [directive]},
        **dimensions,
        **{name: value for name, (value, _) in values.items()},
    }
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()
