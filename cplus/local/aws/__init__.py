"""AWS on one machine: `python -m cplus.local.aws`, and helpers for the stack and tests."""

from cplus.local.aws.endpoint import ACCOUNT, REGION, AwsEndpoint, client, environment

__all__ = ["ACCOUNT", "REGION", "AwsEndpoint", "client", "environment"]
