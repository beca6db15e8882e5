"""The format of log lines: one JSON object per line, or coloured text on a terminal."""

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
    by default standard output.

    CloudWatch and the local stack read standard output line by line, so a traceback is one field
    of the line and never several lines.
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
        # One write a line, also where Python buffers nothing: if the line break came by itself,
        # processes that share a file would tear each other's lines apart.
        logger_factory=structlog.WriteLoggerFactory(stream),
    )


def configure_command(settings: Settings) -> None:
    """Sets up logging for a command: on standard error, warnings and errors, or the level of the
    setting `log_level` if it is set."""
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
    """Writes the line `event` from which CloudWatch takes metrics, whatever the log level.

    `values` are (value, unit) by name. `by` lists the sets of dimensions for each value; no
    dimensions is `()`. Source: CloudWatch, "Specification: Embedded metric
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
