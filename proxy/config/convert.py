"""From the checked shape of the file to the settings that the rest of the program knows."""

from __future__ import annotations

from pathlib import Path

from proxy.config.addresses import resolved
from proxy.config.files import program_path
from proxy.config.notified import NotificationSection
from proxy.config.progressive import PreviewSection, StickySection
from proxy.config.schema import AccessLogSection, AdminSection, ConfigFile, PoolSection, ServiceSection
from proxy.config.settings import (
    AdminSettings,
    ListenSettings,
    NotificationSettings,
    OtlpSettings,
    Settings,
    TokenSettings,
)
from proxy.config.tracing import OtlpSection
from proxy.traffic.audience import CookieAttributes, PreviewRule, StickyBy, StickyRule
from proxy.traffic.judgement import JudgeRule
from proxy.traffic.spec import (
    AccessLog,
    DoorSpec,
    DrainRule,
    HealthCheck,
    Limits,
    OutlierRule,
    ResponseHeaders,
    RetryRule,
    ServiceSpec,
    Timeouts,
    UpstreamSpec,
)


def to_settings(config: ConfigFile, base: Path) -> Settings:
    """The settings, with relative paths taken from ``base``."""
    return Settings(
        listen=tuple(ListenSettings(resolved(p.address, base), p.proxy_protocol) for p in config.listen),
        workers=config.workers,
        admin=_admin(config.admin, base),
        state_path=base / config.state.path,
        door=DoorSpec(
            timeouts=Timeouts(**config.timeouts.model_dump()),
            limits=Limits(**config.limits.model_dump()),
            access_log=_access_log(config.access_log, base),
            trusted_proxies=tuple(config.trusted_proxies),
            trace_share=config.tracing.otlp.sample if config.tracing.otlp else None,
            response_headers=ResponseHeaders(**config.response_headers.model_dump()),
        ),
        shutdown_grace=config.shutdown.grace,
        gate_secret_file=base / config.gates.secret_file if config.gates.secret_file else None,
        hook_commands=tuple(dict.fromkeys(str(program_path(base, path)) for path in config.hooks.commands)),
        notifications=tuple(_notification(section) for section in config.notifications),
        otlp=_otlp(config.tracing.otlp, base) if config.tracing.otlp else None,
        services=tuple(_service(name, section) for name, section in config.services.items()),
    )


def _admin(section: AdminSection, base: Path) -> AdminSettings:
    tokens = tuple(TokenSettings(token.name, token.role, base / token.token_file) for token in section.tokens)
    return AdminSettings(resolved(section.listen, base), tokens, section.url.rstrip("/") if section.url else None)


def _notification(section: NotificationSection) -> NotificationSettings:
    return NotificationSettings(section.url, section.format, frozenset(section.on), tuple(section.services))


def _otlp(section: OtlpSection, base: Path) -> OtlpSettings:
    headers = base / section.headers_file if section.headers_file else None
    return OtlpSettings(section.endpoint, section.service_name, headers)


def _access_log(section: AccessLogSection, base: Path) -> AccessLog:
    return AccessLog(section.format, section.path if section.path == "-" else str(base / section.path))


def _service(name: str, section: ServiceSection) -> ServiceSpec:
    return ServiceSpec(
        name=name,
        blue=_pool(section.pools.blue),
        green=_pool(section.pools.green),
        hosts=tuple(section.hosts),
        paths=tuple(section.paths),
        initial=section.initial,
        balance=section.balance,
        health=HealthCheck(**section.health.model_dump()) if section.health else None,
        outlier=OutlierRule(**section.outlier.model_dump()) if section.outlier else None,
        retry=RetryRule(**section.retry.model_dump()),
        drain=DrainRule(**section.drain.model_dump()),
        sticky=_sticky(section.sticky) if section.sticky else None,
        preview=_preview(section.preview) if section.preview else None,
        judge=JudgeRule(**{**section.judge.model_dump(), "routes": tuple(section.judge.routes)}),
        keep_warm=section.keep_warm,
    )


def _pool(section: PoolSection) -> tuple[UpstreamSpec, ...]:
    return tuple(UpstreamSpec(str(upstream.address), upstream.weight) for upstream in section.upstreams)


def _sticky(section: StickySection) -> StickyRule:
    if section.header is not None:
        return StickyRule(StickyBy.HEADER, section.header)
    if section.cookie is None:
        return StickyRule(StickyBy.CLIENT_IP)
    attributes = CookieAttributes(
        path=section.path,
        domain=section.domain,
        max_age=section.max_age,
        secure=section.secure,
        http_only=section.http_only,
        same_site=section.same_site.value.capitalize() if section.same_site else None,
    )
    return StickyRule(StickyBy.COOKIE, section.cookie, attributes)


def _preview(section: PreviewSection) -> PreviewRule:
    hosts = section.hosts
    return PreviewRule(section.header, section.cookie, hosts.blue, hosts.green, section.token)
