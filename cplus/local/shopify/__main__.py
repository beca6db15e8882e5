"""`python -m cplus.local.shopify`: runs the local Shopify for the app whose client secret is in
the environment variable CPLUS_SHOPIFY_CLIENT_SECRET."""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import sys
from pathlib import Path

from cplus.local.shopify.admin import Registered
from cplus.local.shopify.server import LocalShopify
from cplus.local.state import CLIENT_SECRET


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m cplus.local.shopify", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0 picks a free one")
    parser.add_argument("--data", type=Path, help="where shops and installs survive a restart")
    parser.add_argument("--client-id", required=True, help="the app's client id")
    parser.add_argument("--app-url", required=True, help="where the app lives")
    parser.add_argument("--app", type=Path, help="the app's shopify.app.toml: name and scopes")
    return parser.parse_args()


async def _serve(arguments: argparse.Namespace, secret: str) -> None:
    shopify = LocalShopify(
        client_id=arguments.client_id,
        client_secret=secret,
        app_url=arguments.app_url,
        registered=Registered.read(arguments.app) if arguments.app else None,
        directory=arguments.data,
        port=arguments.port,
    )
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    await shopify.start()
    print(shopify.url, flush=True)
    await ended.wait()
    await shopify.stop()


if __name__ == "__main__":
    given = _arguments()
    if not (client_secret := os.environ.get(CLIENT_SECRET, "")):
        sys.exit(f"Set {CLIENT_SECRET} to the app's client secret.")
    asyncio.run(_serve(given, client_secret))
