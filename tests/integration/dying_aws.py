"""An AWS that dies over a mail, and what reached an address all the same."""

from __future__ import annotations

from typing import Any

from cplus.aws import Aws
from tests.integration.mail_world import World


class DyingAws(Aws):
    """Sends the mail, or not, and then breaks off as a killed process does."""

    def __init__(self, *, sends: bool) -> None:
        super().__init__()
        self.sends = sends

    async def send_mail(self, *args: Any, **more: Any) -> str:
        if self.sends:
            await super().send_mail(*args, **more)
        raise ConnectionError("broken off")


async def sent_to(world: World, address: str) -> list[dict[str, Any]]:
    return [mail for mail in await world.mailbox() if address in mail["recipients"]]
