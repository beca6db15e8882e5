"""Objects are deleted in all their versions, in the buckets of the settings alone."""

from __future__ import annotations

import pytest

from cplus.aws import Aws, Objects
from cplus.errors import InvalidInput
from tests.integration.intake import new_bucket, versioned


async def test_every_version_and_marker_of_an_object_goes_and_nothing_else(aws: Aws) -> None:
    bucket, other = await new_bucket(aws, "mail"), await new_bucket(aws, "other")
    s3 = await aws.client("s3")
    await aws.put_object(bucket, "inbound/a", b"from before there were versions")
    await versioned(aws, bucket)
    for body in (b"first", b"second"):
        await aws.put_object(bucket, "inbound/a", body)
    await s3.delete_object(Bucket=bucket, Key="inbound/a")
    await aws.put_object(bucket, "inbound/a", b"third")
    await aws.put_object(bucket, "inbound/hidden", b"deleted once")
    await s3.delete_object(Bucket=bucket, Key="inbound/hidden")
    await aws.put_object(bucket, "inbound/ab", b"of somebody else")
    await aws.put_object(other, "inbound/a", b"in another bucket")

    objects = Objects(aws, [bucket, ""])
    refs = [{"bucket": bucket, "key": key} for key in ("inbound/a", "inbound/hidden", "inbound/no")]
    assert await objects.delete(refs) == 2
    assert await aws.list_versions(bucket, "inbound/a") == await aws.list_versions(bucket, "")
    assert list(await aws.list_versions(bucket, "")) == ["inbound/ab"]
    assert await objects.delete(refs) == 0, "and again there is nothing to delete"

    refs = [{"bucket": name, "key": "inbound/a"} for name in (other, "")]
    await aws.put_object(bucket, "inbound/a", b"again")
    with pytest.raises(InvalidInput, match="no setting names"):
        await objects.delete([*refs, {"bucket": bucket, "key": "inbound/a"}])
    assert list(await aws.list_versions(bucket, "")) == ["inbound/ab"]
    assert await aws.get_object(other, "inbound/a") == b"in another bucket"
