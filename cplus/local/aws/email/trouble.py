"""What keeps the local SES from sending: the account's quotas, and failures on demand.

Quotas, which count recipients:
https://docs.aws.amazon.com/ses/latest/dg/manage-sending-quotas.html;
errors: https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

_DAY: Final = 24 * 3600.0
HOW: Final = frozenset({"throttle", "limit", "reject", "paused", "slow", "lost", "error", "bounce"})
"""Ways to fail: over the sending rate, over a limit of the account, the mail refused, sending
paused, a late answer, the mail sent and the answer lost, an error of the server, the mail sent
and come back for good."""


@dataclass(slots=True)
class Failure:
    """The next sends fail in a way."""

    how: str
    times: int
    """How many are left."""
    seconds: float = 0.0
    """How late the answer of a slow one is."""
    to: str = ""
    """Only those to this address, if there is one."""


class Trouble:
    """The account's quotas, what was sent, and what is to fail. Times are seconds by `clock`."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self.rate = 1_000.0
        """MaxSendRate: recipients in a second."""
        self.daily = 1_000_000.0
        """Max24HourSend: recipients in 24 hours; -1 for no limit."""
        self.enabled = True
        """Whether the account may send."""
        self._failures: list[Failure] = []
        self._sent: deque[tuple[float, int]] = deque()

    def told(self, wanted: Mapping[str, Any]) -> None:
        """Changes what the control route was told; raises ValueError for what it does not know."""
        unknown = wanted.keys() - {"rate", "daily", "enabled", "fail"}
        failures = [Failure(**one) for one in wanted.get("fail", [])]
        if unknown or any(one.how not in HOW for one in failures):
            raise ValueError("known are rate, daily, enabled, and fail with one of: " + str(HOW))
        self.rate = float(wanted.get("rate", self.rate))
        self.daily = float(wanted.get("daily", self.daily))
        self.enabled = bool(wanted.get("enabled", self.enabled))
        if "fail" in wanted:
            self._failures = failures

    def state(self) -> dict[str, Any]:
        """As the control route answers."""
        left = [{"how": one.how, "times": one.times} for one in self._failures]
        quota = {"rate": self.rate, "daily": self.daily, "enabled": self.enabled}
        return {**quota, "sent": self.sent_in(_DAY), "fail": left}

    def account(self) -> dict[str, Any]:
        """As GetAccount of SES v2 answers."""
        return {
            "SendingEnabled": self.enabled,
            "ProductionAccessEnabled": True,
            "EnforcementStatus": "HEALTHY",
            "DedicatedIpAutoWarmupEnabled": True,
            "SendQuota": {
                "Max24HourSend": self.daily,
                "MaxSendRate": self.rate,
                "SentLast24Hours": float(self.sent_in(_DAY)),
            },
        }

    def next_failure(self, recipients: tuple[str, ...]) -> Failure | None:
        """What this send fails with, if it does; it is one less then."""
        for one in self._failures:
            if one.times > 0 and (not one.to or one.to in recipients):
                one.times -= 1
                return one
        return None

    def over(self, recipients: int) -> str | None:
        """Why so many more recipients are over the account's quotas, in SES's words."""
        if self.sent_in(1.0) + recipients > self.rate:
            return "Maximum sending rate exceeded."
        if 0 <= self.daily < self.sent_in(_DAY) + recipients:
            return "Daily message quota exceeded."
        return None

    def note(self, recipients: int) -> None:
        """So many were sent to."""
        self._sent.append((self._clock(), recipients))

    def sent_in(self, seconds: float) -> int:
        """Recipients in the last so many seconds."""
        now = self._clock()
        while self._sent and self._sent[0][0] <= now - _DAY:
            self._sent.popleft()
        found = 0
        for at, recipients in reversed(self._sent):
            if at <= now - seconds:
                break
            found += recipients
        return found
