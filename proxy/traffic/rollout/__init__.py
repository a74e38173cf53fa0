"""Rolling deployments as plain data and rules: what was asked for, how far each server is, and what may come next.

Nothing here has a clock or talks to anybody. The state machine's tables are in :mod:`.stages`, what was asked for in
:mod:`.plan`, how far it is in :mod:`.rollout`, who goes out next in :mod:`.batches`, and the weight of those that come
back in :mod:`.warming`. The commands are carried out by :mod:`proxy.traffic.rolling`.
"""
