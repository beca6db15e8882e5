"""Runs the functions of serverless.yml on this machine under AWS's own runtime client."""

from cplus.local.lambdas.environment import LIBRARIES
from cplus.local.lambdas.pool import FunctionStatus, Kill
from cplus.local.lambdas.runner import Runner

__all__ = ["LIBRARIES", "FunctionStatus", "Kill", "Runner"]
