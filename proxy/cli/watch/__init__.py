"""The live picture of ``bluegreen status --watch``."""
