"""The config file: YAML in, frozen settings out, or every error at once with its place and its remedy."""

from proxy.config.addresses import Address, TcpAddress, UnixAddress
from proxy.config.errors import ConfigError, Problem
from proxy.config.loader import load_settings, parse_settings
from proxy.config.schema import json_schema
from proxy.config.settings import AdminSettings, ListenSettings, Role, Settings, TokenSettings

__all__ = [
    "Address",
    "AdminSettings",
    "ConfigError",
    "ListenSettings",
    "Problem",
    "Role",
    "Settings",
    "TcpAddress",
    "TokenSettings",
    "UnixAddress",
    "json_schema",
    "load_settings",
    "parse_settings",
]
