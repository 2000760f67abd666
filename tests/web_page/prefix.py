"""A small reverse proxy that puts the page below a path, as Home Assistant's ingress or a web server does."""

from __future__ import annotations

from aiohttp import ClientSession, web
from harness import free_port

PATH = "/api/hassio_ingress/token"


class Prefix:
    """``http://127.0.0.1:port/api/hassio_ingress/token/`` is what ``port`` serves at ``/``."""

    def __init__(self, target: int) -> None:
        self._target = target
        self.port = free_port()
        self.elsewhere: list[str] = []
        """Paths that were asked for outside the prefix."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}{PATH}/"

    async def __aenter__(self) -> Prefix:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._pass)
        self._session = ClientSession(auto_decompress=False)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", self.port).start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()
        await self._runner.cleanup()

    async def _pass(self, request: web.Request) -> web.StreamResponse:
        if not request.path.startswith(f"{PATH}/"):
            if request.path != "/favicon.ico":
                self.elsewhere.append(request.path)
            return web.Response(status=404)
        url = f"http://127.0.0.1:{self._target}{request.path_qs.removeprefix(PATH)}"
        headers = {key: value for key, value in request.headers.items() if key not in ("Host", "Connection")}
        asked = self._session.request(
            request.method, url, headers=headers, data=await request.read(), allow_redirects=False
        )
        async with asked as reply:
            kept = {
                key: value for key, value in reply.headers.items() if key not in ("Transfer-Encoding", "Connection")
            }
            response = web.StreamResponse(status=reply.status, headers=kept)
            await response.prepare(request)
            async for piece in reply.content.iter_any():
                await response.write(piece)
        return response
