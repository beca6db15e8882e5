"""The environment of a function's process."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cplus.local.application import Application, FunctionSpec
from cplus.local.lambdas.forks import Forks
from cplus.local.lambdas.worker import Launch

LIBRARIES: Final = (
    *("aioboto3", "babel.dates", "babel.numbers", "cryptography.x509", "eventsourcing.domain"),
    *("fastapi", "httpx", "jinja2", "mangum", "motor.motor_asyncio", "pydantic_settings"),
    "structlog",
)
"""What takes our functions longest to import, and looks at no variable on import: AWS's runtime
client does."""


def launch_of(
    spec: FunctionSpec,
    application: Application,
    environment: Mapping[str, str],
    data: Path,
    forks: Forks,
) -> Launch:
    """How the processes of a function are started; `environment` overrides the function's own.

    They get only these variables: on AWS, too, no shell's variables reach them.
    """
    # https://docs.aws.amazon.com/lambda/latest/dg/configuration-envvars.html
    defined = {
        "_HANDLER": spec.handler,
        "AWS_DEFAULT_REGION": application.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_python{sys.version_info[0]}.{sys.version_info[1]}",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(spec.memory),
        "AWS_LAMBDA_FUNCTION_NAME": spec.lambda_name,
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{spec.lambda_name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": "local",
        "AWS_REGION": application.region,
        "HOME": os.environ.get("HOME", "/"),
        "LAMBDA_TASK_ROOT": str(application.root.absolute()),
        "LANG": "C.UTF-8",
        "PATH": os.environ.get("PATH", os.defpath),
        "TZ": ":UTC",
    }
    return Launch(
        spec=spec,
        forks=forks,
        root=application.root.absolute(),
        log=data / "logs" / f"{spec.name}.log",
        environment={**defined, **spec.environment, **environment},
        arn=f"arn:aws:lambda:{application.region}:{application.account}:function:"
        f"{spec.lambda_name}",
    )
