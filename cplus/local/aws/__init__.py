"""AWS on one machine: `python -m cplus.local.aws`, and helpers for the stack and tests."""

from cplus.local.aws.endpoint import (
    ACCOUNT,
    KMS_KEY,
    REGION,
    AwsEndpoint,
    client,
    environment,
    options,
)

__all__ = ["ACCOUNT", "KMS_KEY", "REGION", "AwsEndpoint", "client", "environment", "options"]
