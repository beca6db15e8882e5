"""Reads the buckets of a CloudFormation template: their versions and when objects end."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cplus.errors import NotUnderstood
from cplus.local.application import BucketSpec

# The local S3 has no public access, and keeps no lock.
_PASSED_OVER = {
    "BucketName",
    "PublicAccessBlockConfiguration",
    "ObjectLockEnabled",
    "ObjectLockConfiguration",
}


def read_bucket(properties: Mapping[str, Any], place: str) -> BucketSpec:
    """The bucket of these properties; raises NotUnderstood for one that is not known."""
    versioned, rules = False, tuple[Mapping[str, Any], ...]()
    for name, value in properties.items():
        if name == "VersioningConfiguration":
            versioned = value["Status"] == "Enabled"
        elif name == "LifecycleConfiguration":
            rules = tuple(_rule(rule, f"{place}.{name}") for rule in value["Rules"])
        elif name not in _PASSED_OVER:
            raise NotUnderstood(place=f"{place}.{name}", what=f"the key {name!r}")
    return BucketSpec(properties["BucketName"], versioned, rules)


def _rule(declared: Mapping[str, Any], place: str) -> dict[str, Any]:
    rule: dict[str, Any] = {"Filter": {"Prefix": ""}}
    for name, value in declared.items():
        if name == "Id":
            rule["ID"] = value
        elif name in ("Status", "NoncurrentVersionExpiration"):
            rule[name] = value
        elif name == "Prefix":
            rule["Filter"] = {"Prefix": value}
        elif name == "ExpirationInDays":
            rule["Expiration"] = {"Days": value}
        elif name == "ExpiredObjectDeleteMarker":
            rule["Expiration"] = {name: value}
        else:
            raise NotUnderstood(place=f"{place}.{name}", what=f"the key {name!r}")
    return rule
