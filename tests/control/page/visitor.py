"""Somebody with a browser: asks for HTML, keeps a cookie, fills in forms."""

from __future__ import annotations

from urllib.parse import urlencode

from tests.control.admin.door import Api, Reply
from tests.control.page.html import Html


class Visitor:
    """One browser."""

    def __init__(self, api: Api) -> None:
        self.api = api
        self.cookie = ""
        self.origin = f"http://127.0.0.1:{api.port}"

    async def look(self, path: str = "/", status: int = 200) -> Html:
        """A page, which keeps to the rules."""
        reply = await self.get(path)
        assert reply.status == status
        assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
        page = Html(reply.raw)
        page.check()
        return page

    async def get(self, path: str, **headers: str) -> Reply:
        """An answer as it is."""
        return await self.api.get(path, **{"Accept": "text/html,*/*;q=0.8", **self._cookie(), **headers})

    async def post(self, path: str, **fields: str) -> Reply:
        """Send a form."""
        return await self.api.call(
            "POST",
            path,
            data=urlencode(fields).encode(),
            Content_Type="application/x-www-form-urlencoded",
            Origin=self.origin,
            **self._cookie(),
        )

    async def sign_in(self, secret: str, **fields: str) -> Reply:
        """Show a token, and keep the cookie."""
        reply = await self.post("/sign-in", token=secret, **fields)
        if "Set-Cookie" in reply.headers:
            self.cookie = reply.headers["Set-Cookie"].partition(";")[0]
        return reply

    async def csrf(self) -> str:
        """The secret in the page."""
        return (await self.look("/history")).one("meta", name="csrf-token")["content"]

    async def change(self, **headers: str) -> Reply:
        """Switch to green by what the cookie allows."""
        fields = {**self._cookie(), **headers}
        return await self.api.call("POST", "/v1/services/shop/switch", {"to": "green"}, data=None, **fields)

    def _cookie(self) -> dict[str, str]:
        return {"Cookie": self.cookie} if self.cookie else {}
