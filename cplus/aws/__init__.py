"""AWS: queues, topic, buckets, mail and one key."""

from cplus.aws.clients import (
    LONGEST_DELAY,
    REFUSALS,
    Aws,
    MailNotTaken,
    ObjectsKept,
    SendQuota,
    Versions,
)
from cplus.aws.dead_letters import DeadLetter, DeadLetters, DeadQueue, Redrive
from cplus.aws.identities import Identities, IdentityState
from cplus.aws.kms import Kms
from cplus.aws.objects import Objects
from cplus.aws.queues import Depth, Queue, QueueUnanswered, Received
from cplus.aws.sealed_objects import BODIES, MAIL, SEALED_FOLDER, UPLOADS_FOLDER, SealedObjects
from cplus.aws.tenants import Tenants, TenantState
from cplus.aws.topics import TopicMessage

__all__ = [
    "BODIES",
    "LONGEST_DELAY",
    "MAIL",
    "REFUSALS",
    "SEALED_FOLDER",
    "UPLOADS_FOLDER",
    "Aws",
    "DeadLetter",
    "DeadLetters",
    "DeadQueue",
    "Depth",
    "Identities",
    "IdentityState",
    "Kms",
    "MailNotTaken",
    "Objects",
    "ObjectsKept",
    "Queue",
    "QueueUnanswered",
    "Received",
    "Redrive",
    "SealedObjects",
    "SendQuota",
    "TenantState",
    "Tenants",
    "TopicMessage",
    "Versions",
]
