"""Every setting, read in one place: environment variables that begin with CPLUS_."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from cplus.errors import SettingMissing


class Settings(BaseSettings):
    """The settings of a stage or function. Each field is the variable CPLUS_<FIELD>."""

    model_config = SettingsConfigDict(env_prefix="CPLUS_", frozen=True, extra="ignore")

    stage: str = Field("dev", description="The deployment: dev, prod, or local on one machine")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info",
        description="Log lines below this level are dropped; the command `cplus` uses "
        "`warning` unless it is set",
    )

    mongo_uri: SecretStr | None = Field(
        None, description="Connection string of the MongoDB replica set"
    )
    mongo_database: str = Field("cplus", description="Database of the log and the read models")
    mongo_keyring_database: str = Field(
        "cplus_keyring", description="Database of persons, credentials and keys"
    )
    mongo_driver: Literal["motor", "pymongo"] = Field(
        "motor", description="Which async driver talks to MongoDB"
    )
    mongo_pool: int = Field(4, ge=1, description="Maximum number of connections per process")

    shopify_client_id: str = Field("", description="The app's client id at Shopify")
    shopify_client_secret: SecretStr | None = Field(
        None, description="The app's client secret at Shopify"
    )
    shopify_old_client_secret: SecretStr | None = Field(
        None, description="The secret before the last rotation, accepted beside the new one"
    )
    shopify_scopes: str = Field(
        "read_customers,read_customer_merge,read_orders",
        description="Access scopes asked for on install; the same as in shopify.app.toml",
    )
    shopify_optional_scopes: str = Field(
        "read_fulfillments",
        description="Access scopes that the pages ask for where one is needed; the same as in "
        "shopify.app.toml. Not for an app that is not embedded",
    )
    shopify_origin: str = Field(
        "https://{shop}", description="Where a shop's Admin lives; {shop} stands for its host"
    )
    shopify_admin_origin: str = Field(
        "https://admin.shopify.com",
        description="Origin of Shopify's Admin, in whose frame the dashboard stands; empty for an "
        "app that is not embedded",
    )
    app_bridge_url: str = Field(
        "https://cdn.shopify.com/shopifycloud/app-bridge.js",
        description="Where the pages inside the Admin load Shopify's App Bridge from",
    )
    shopify_api_version: str = Field("2026-10", description="Version of the Admin API")
    import_page_size: int = Field(
        150, ge=1, le=150, description="Customers per page of the import; a query may cost no more"
    )
    import_bulk_over: int = Field(
        50_000,
        ge=0,
        description="A shop with more customers than this is imported by a bulk operation",
    )
    import_bulk_orders_over: int = Field(
        1_000,
        ge=0,
        description="More orders of the last 60 days than these are imported by a bulk operation",
    )

    application_secret: SecretStr | None = Field(
        None, description="Signs reply addresses, sessions and sign-in links; hashes addresses"
    )
    kms_key_id: str = Field(
        "",
        description="Id, ARN or alias of the KMS key that wraps the application key of the "
        "keyring; without it, a key derived from the application secret does",
    )
    operator_token: SecretStr | None = Field(
        None, description="Opens the operator console; without it there is no console"
    )
    operator: str = Field(
        "",
        description="Name of the operator who uses the command `cplus`: each look at personal data "
        "is recorded under it",
    )
    app_url: str = Field("", description="Public address of the app, with no slash at the end")
    mail_domain: str = Field("", description="Domain whose mail the app receives and sends")
    join_closed_days: int = Field(
        7,
        ge=0,
        description="A contact-form mail joins a conversation that was closed less than this many "
        "days ago",
    )
    token_days: int = Field(
        180,
        ge=1,
        description="Days after the last message of a conversation for which its reply address "
        "and the token in its mails lead to it",
    )
    free_conversations: int = Field(
        50,
        ge=1,
        description="Free conversations per month, for shops that install the app from now on",
    )

    region: str = Field(
        "us-east-1", description="AWS region; SES names it in the Message-IDs that it gives"
    )
    webhooks_queue: str = Field("", description="URL of the queue of webhooks")
    import_queue: str = Field("", description="URL of the queue of customer imports")
    send_queue: str = Field("", description="URL of the queue of mail to send")
    rebuild_queue: str = Field("", description="URL of the queue of shops to rebuild")
    erasures_queue: str = Field("", description="URL of the queue of erasures")
    nudges_topic: str = Field("", description="ARN of the topic of nudges")
    bodies_bucket: str = Field("", description="Bucket of bodies too large for queue or commit")
    mail_bucket: str = Field(
        "", description="Bucket of raw mail; mail is read from no other, whatever a message names"
    )
    roots_bucket: str = Field("", description="Bucket of the daily roots over the log")
    ses_configuration_set: str = Field("", description="SES configuration set of outgoing mail")
    dns: str = Field(
        "",
        description="Name server that is asked about merchants' domains, `HOST:PORT`; without it, "
        "that of the machine",
    )
    shared_domain_daily: int = Field(
        500,
        ge=1,
        description="Customers to whom a shop may write from our own mail domain in 24 hours; "
        "what is beyond that waits",
    )
    push_origin: str = Field(
        "",
        description="Origin of a push service on this machine, which need not be public; empty on "
        "AWS",
    )
    undo_seconds: int = Field(
        10,
        ge=0,
        le=60,
        description="Seconds that a reply waits before it is sent, in which it can be undone",
    )
    settle_seconds: int = Field(
        900,
        ge=1,
        description="Seconds that a mail with an unknown status waits for SES's events before "
        "it is sent again",
    )

    @property
    def metrics(self) -> str:
        """The CloudWatch namespace of our metrics."""
        return f"ConversationsPlus/{self.stage}"

    def needed(self, name: str) -> str:
        """The setting `name`, a text; raises SettingMissing if it is empty."""
        value: str = getattr(self, name)
        if not value:
            raise SettingMissing(name=name, variable=f"CPLUS_{name.upper()}")
        return value

    def secret(self, name: str) -> str:
        """The secret setting `name` in clear; raises SettingMissing if it has no value."""
        value = getattr(self, name)
        if value is None or not value.get_secret_value():
            raise SettingMissing(name=name, variable=f"CPLUS_{name.upper()}")
        return str(value.get_secret_value())
