"""The only reader of the environment (CO2). Secrets also come as `…_FILE`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, Literal

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

_SECRETS = (
    "SLACK_BOT_TOKEN",
    "SLACK_SIGNING_SECRET",
    "SLACK_APP_TOKEN",
    "DATABASE_URL",
    "COUNTERSIGN_API_KEYS",
    "COUNTERSIGN_HELPDESK_TOKEN",
    "COUNTERSIGN_HELPDESK_SECRET",
    "COUNTERSIGN_CRM_TOKEN",
    "COUNTERSIGN_SIGNING_KEY",
    "COUNTERSIGN_LLM_API_KEY",
    "COUNTERSIGN_RESOLVER_TOKEN",
    "COUNTERSIGN_SMTP_URL",
)


class Settings(BaseSettings):
    """Every variable of `.env.example`, typed. Field names are the variables in lower case."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", case_sensitive=False, hide_input_in_errors=True)

    slack_bot_token: SecretStr = Field(SecretStr(""), description="Bot token of the installed app, xoxb-…")
    slack_signing_secret: SecretStr = Field(SecretStr(""), description="Signing secret; needed in HTTP mode")
    slack_app_token: SecretStr = Field(SecretStr(""), description="App-level token, xapp-…: switches Socket Mode on")
    slack_api_url: str = "https://slack.com/api/"
    database_url: SecretStr = SecretStr("sqlite:///countersign.db")
    countersign_host: str = "127.0.0.1"
    countersign_port: int = Field(8000, ge=0, le=65535)
    countersign_api_keys: SecretStr = SecretStr("")
    countersign_policy_dir: Path = Path("policies")
    countersign_helpdesk: Literal["webhook"] = "webhook"
    countersign_helpdesk_url: str = ""
    countersign_helpdesk_token: SecretStr = SecretStr("")
    countersign_helpdesk_secret: SecretStr = SecretStr("")
    countersign_crm: Literal["hubspot", "webhook", "none"] = "none"
    countersign_crm_url: str = ""
    countersign_crm_token: SecretStr = SecretStr("")
    countersign_llm_kind: Literal["", "openai", "anthropic"] = ""
    countersign_llm_url: str = Field("", description="Base URL; empty: the vendor's own")
    countersign_llm_model: str = ""
    countersign_llm_api_key: SecretStr = SecretStr("")
    countersign_resolver: str = Field("", description="Path of a file, or URL of a service, that knows dynamic roles")
    countersign_resolver_token: SecretStr = SecretStr("")
    countersign_manager_field: str = "Manager"
    countersign_callback_hosts: str = ""
    countersign_signing_key: SecretStr = SecretStr("")
    countersign_smtp_url: SecretStr = SecretStr("")
    countersign_log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    countersign_log_format: Literal["text", "json"] = "text"

    @model_validator(mode="before")
    @classmethod
    def _read_files(cls, values: Any) -> Any:
        if isinstance(values, dict):
            for name in _SECRETS:
                path = os.environ.get(f"{name}_FILE")
                if path and not os.environ.get(name):
                    values[name.lower()] = Path(path).read_text().strip()
        return values

    @field_validator("slack_api_url")
    @classmethod
    def _ends_in_slash(cls, value: str) -> str:
        return value.rstrip("/") + "/"

    @property
    def socket_mode(self) -> bool:
        return bool(self.slack_app_token.get_secret_value())

    @property
    def callback_hosts(self) -> frozenset[str]:
        return frozenset(h.strip() for h in self.countersign_callback_hosts.split(",") if h.strip())

    def missing(self) -> list[str]:
        """What `serve` cannot do without, each as a sentence that says what to do."""
        found = []
        if not self.slack_bot_token.get_secret_value():
            found.append("SLACK_BOT_TOKEN is not set: install the app (manifest.yml) and copy its bot token, xoxb-….")
        if not self.socket_mode and not self.slack_signing_secret.get_secret_value():
            found.append(
                "SLACK_SIGNING_SECRET is not set: copy it from the app's Basic Information, "
                "or set SLACK_APP_TOKEN to use Socket Mode."
            )
        if not self.countersign_helpdesk_url:
            found.append("COUNTERSIGN_HELPDESK_URL is not set: it is where approved replies are posted.")
        if self.countersign_helpdesk == "webhook" and not self.countersign_helpdesk_secret.get_secret_value():
            found.append("COUNTERSIGN_HELPDESK_SECRET is not set: make one with `countersign doctor --new-secret`.")
        if self.countersign_crm != "none" and not self.countersign_crm_url:
            found.append("COUNTERSIGN_CRM_URL is not set: set it, or set COUNTERSIGN_CRM=none.")
        if self.countersign_llm_kind and not self.countersign_llm_model:
            found.append("COUNTERSIGN_LLM_MODEL is not set: name the model, or leave COUNTERSIGN_LLM_KIND empty.")
        if not self.countersign_api_keys.get_secret_value():
            found.append(
                "COUNTERSIGN_API_KEYS is not set: give at least one key as name:secret, so that cases can come in."
            )
        return found
