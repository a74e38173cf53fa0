"""HTTP/1 on the wire, and nothing else: bytes in, values out (RFC 9110, RFC 9112).

Reading is strict, because a proxy that guesses what a message means passes on what the next parser may read in another
way. Each head has two roads: an ordinary one is checked by one expression and passes as bytes, anything unusual is
taken apart field by field. Tests hold both roads to the same result.
"""
