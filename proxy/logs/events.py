"""The names of everything the program says of itself. They are stable: alerts may be built on them."""

from __future__ import annotations

import enum


class Level(enum.StrEnum):
    """How much an event matters."""

    INFO = "info"
    WARNING = "warning"
    """Something is not as it should be; traffic is served all the same."""
    ERROR = "error"
    """Something that was asked for did not happen."""


class LogEvent(enum.StrEnum):
    """What happened. The fields of each are written behind its name, and explained in ``docs/logs.md``."""

    STARTING = "starting"  # version, config, pid
    READY = "ready"  # listen, admin, workers, generation
    START_FAILED = "start_failed"  # error
    STOPPING = "stopping"  # signal, grace
    STOPPING_NOW = "stopping_now"  # signal
    STOPPED = "stopped"  # cut, seconds

    WORKER_STARTED = "worker_started"  # worker, slot, replaces
    WORKER_READY = "worker_ready"  # worker, slot, seconds
    WORKER_EXITED = "worker_exited"  # worker, slot, status, cut, restart_in
    WORKER_BOOT_FAILED = "worker_boot_failed"  # worker, slot, status, cut, error, restart_in
    WORKER_HUNG = "worker_hung"  # worker, slot, seconds
    WORKER_KILLED = "worker_killed"  # worker, slot, why, in_flight

    PREDECESSORS_FOUND = "predecessors_found"  # workers: those that a dead supervisor left serving; steered
    PREDECESSORS_STOPPING = "predecessors_stopping"  # workers, grace
    PREDECESSOR_GONE = "predecessor_gone"  # worker, left
    PREDECESSOR_KILLED = "predecessor_killed"  # worker

    UPSTREAM_HEALTHY = "upstream_healthy"  # service, color, upstream
    UPSTREAM_UNHEALTHY = "upstream_unhealthy"  # service, color, upstream, error
    UPSTREAM_EJECTED = "upstream_ejected"  # service, color, upstream, seconds, error
    UPSTREAM_RESTORED = "upstream_restored"  # service, color, upstream
    EJECTION_WITHHELD = "ejection_withheld"  # service, color, upstream, error

    OPERATION_STARTED = "operation_started"  # service, operation, kind, color, by, reason, green_before, green_after
    OPERATION_APPLIED = "operation_applied"  # service, operation, kind, color, generation, spread_ms
    OPERATION_STEP = "operation_step"  # service, operation, kind, color; step, steps, percent or batch, servers
    OPERATION_WAITS = "operation_waits"  # as operation_step; waits_for
    OPERATION_PAUSED = "operation_paused"  # as operation_step; by, reason
    OPERATION_RESUMED = "operation_resumed"  # as operation_step; by, reason where somebody let it go on
    OPERATION_ENDED = "operation_ended"  # service, operation, kind, color, state, by, reason, note, judge, the receipt
    ROLLBACK = "rollback"  # service, operation, kind, color, by, reason: what was moved or updated goes back
    CHANGED = "changed"  # service, operation, action, by, reason, generation, revision, changes, more
    HOOK_SUCCEEDED = "hook_succeeded"  # service, operation, detail
    HOOK_FAILED = "hook_failed"  # service, operation, detail
    HOOK_WAITS = "hook_waits"  # service, operation, detail: somebody has to update the servers
    GATE_ANSWERED = "gate_answered"  # service, operation, ok, detail
    STORE_DOWN = "store_down"  # error: commands are refused, what is stored is served
    STORE_UP = "store_up"
    TABLE_TOO_LARGE = "table_too_large"  # error: what was observed cannot be served
    METERS_FULL = "meters_full"  # worker, slot: some of its numbers are missing from now on

    CONFIG_RELOADED = "config_reloaded"  # by
    CONFIG_REFUSED = "config_refused"  # by, error; one line for each problem
    NOTIFICATION_LOST = "notification_lost"  # target, operation, service, told, error, tries
    LOGS_REOPENED = "logs_reopened"
    ACCESS_LOG_FAILED = "access_log_failed"  # path, error: it cannot be opened; its lines go to standard error
    SIGNAL_IGNORED = "signal_ignored"  # signal, error

    TRACE_EXPORT_FAILED = "trace_export_failed"  # endpoint, error: once, until spans are taken again
    TRACE_EXPORT_RECOVERED = "trace_export_recovered"  # endpoint, lost: requests so far of which no span was taken

    LINES_LOST = "lines_lost"  # lines: standard error was full, so these were thrown away
    LIBRARY = "library"  # logger, message, error: what a library had to say
    UNEXPECTED = "unexpected"  # error, where: a fault of the program's own; please report it
