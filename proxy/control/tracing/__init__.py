"""The export of spans: notes of workers become messages of OTLP, sent by a thread that nobody waits for."""
