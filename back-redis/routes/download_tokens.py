"""Download tokens: keep and redeem."""

from fastapi import APIRouter

from shared.kit.auth.guards import calls_with_scope
from shared.models.export import KeepDownloadToken, RedeemDownloadToken, RedeemedDownload
from stores.download_token_store import DownloadTokenStore


def router(tokens: DownloadTokenStore) -> APIRouter:
    routes = APIRouter(prefix="/download-tokens")

    @routes.post("", status_code=204, dependencies=[calls_with_scope("downloads:issue")])
    async def keep_token(token: KeepDownloadToken) -> None:
        await tokens.keep(token)

    @routes.post("/redeem", dependencies=[calls_with_scope("downloads:redeem")])
    async def redeem_token(token: RedeemDownloadToken) -> RedeemedDownload:
        return await tokens.redeem(token.token_hash, token.resume_hash)

    return routes
