"""What the system tests stand on: real upstreams, a strict client, a load, faults on demand, and the program itself.

Everything runs on loopback, in processes of its own, and ends with the tests, however they end.
"""
