"""AWS on one machine: `python -m cplus.local.aws`, and what the stack and tests use of it."""

from cplus.local.aws.endpoint import ACCOUNT, REGION, AwsEndpoint, client, environment

__all__ = ["ACCOUNT", "REGION", "AwsEndpoint", "client", "environment"]
