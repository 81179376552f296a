"""What an access token says, and which tokens are refused."""

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import timedelta
from uuid import uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from services.key_ring import thumbprint
from services.permission_service import permissions_of
from shared.models.base import now
from shared.testing.sessions import new_session
from tests.conftest import Stack, bearer
from tests.fakes import RedisState, StoredSession

Claims = dict[str, object]


def signed(claims: Claims, key: RSAPrivateKey, kid: str) -> str:
    return jwt.encode(claims, key, algorithm="RS256", headers={"kid": kid})


def with_header(token: str, **header: object) -> str:
    """The same token under another header, unsigned."""
    encoded = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    return f"{encoded}.{token.split('.')[1]}"


@pytest.fixture
def claims(redis: RedisState) -> Claims:
    """The claims of a good token for a session that stands."""
    user_id, sid = uuid4(), uuid4()
    at = now()
    new = new_session(user_id, sid=sid)
    redis.sessions[sid] = StoredSession(new, new.refresh_hash, at, at, at + timedelta(hours=1))
    return {
        "iss": "tools-dashboard",
        "aud": "tools-dashboard",
        "sub": str(user_id),
        "sid": str(sid),
        "gen": 1,
        "role": "user",
        "permissions": [],
        "iat": now(),
        "exp": now() + timedelta(minutes=15),
        "jti": str(uuid4()),
    }


async def status_of(stack: Stack, token: str) -> int:
    reply = await stack.client.post("/auth/ws-ticket", headers=bearer(token))
    return reply.status


class TestIssued:
    async def test_says_who_may_do_what_and_until_when(
        self, stack: Stack, rsa_key: RSAPrivateKey
    ) -> None:
        user = await stack.add_user(role="admin")
        access, refresh = await stack.tokens()
        said = jwt.decode(
            access, rsa_key.public_key(), algorithms=["RS256"], audience="tools-dashboard"
        )
        assert said["iss"] == "tools-dashboard"
        assert said["sub"] == str(user.id)
        assert said["sid"] == refresh.partition(".")[0]
        assert said["gen"] == user.session_generation
        assert said["role"] == "admin"
        assert said["permissions"] == permissions_of("admin")
        assert said["exp"] - said["iat"] == 900
        assert said["jti"]
        assert jwt.get_unverified_header(access)["kid"] == thumbprint(rsa_key.public_key())

    async def test_a_user_has_no_permission_of_an_admin(self, stack: Stack) -> None:
        await stack.add_user()
        access, _ = await stack.tokens()
        said = jwt.decode(access, options={"verify_signature": False})
        assert (said["role"], said["permissions"]) == ("user", [])


class TestRefused:
    async def test_the_control_is_accepted(
        self, stack: Stack, claims: Claims, rsa_key: RSAPrivateKey
    ) -> None:
        token = signed(claims, rsa_key, thumbprint(rsa_key.public_key()))
        assert await status_of(stack, token) == 201

    @pytest.mark.parametrize(
        "spoil",
        [
            lambda claims: claims.update(exp=now() - timedelta(minutes=1)),
            lambda claims: claims.update(iat=now() + timedelta(minutes=5)),
            lambda claims: claims.update(aud="another"),
            lambda claims: claims.update(iss="another"),
            lambda claims: claims.update(sub="admin"),
            lambda claims: claims.update(sid="none"),
            *(
                lambda claims, name=name: claims.pop(name)
                for name in ("iss", "aud", "sub", "sid", "gen", "exp", "iat", "role", "permissions")
            ),
        ],
    )
    async def test_claims_that_are_not_ours(
        self,
        stack: Stack,
        claims: Claims,
        rsa_key: RSAPrivateKey,
        spoil: Callable[[Claims], object],
    ) -> None:
        spoil(claims)
        assert (
            await status_of(stack, signed(claims, rsa_key, thumbprint(rsa_key.public_key()))) == 401
        )

    async def test_a_key_that_is_not_ours(
        self, stack: Stack, claims: Claims, rsa_key: RSAPrivateKey, other_rsa_key: RSAPrivateKey
    ) -> None:
        ours, theirs = (thumbprint(key.public_key()) for key in (rsa_key, other_rsa_key))
        assert await status_of(stack, signed(claims, other_rsa_key, theirs)) == 401
        assert await status_of(stack, signed(claims, other_rsa_key, ours)) == 401

    async def test_no_signature(self, stack: Stack, rsa_key: RSAPrivateKey, claims: Claims) -> None:
        kid = thumbprint(rsa_key.public_key())
        token = signed(claims, rsa_key, kid)
        for algorithm in ("none", "None", "NONE"):
            unsigned = with_header(token, alg=algorithm, typ="JWT", kid=kid)
            assert await status_of(stack, unsigned + ".") == 401
            assert await status_of(stack, f"{unsigned}.{token.split('.')[2]}") == 401

    async def test_hs256_with_the_public_key_as_secret(
        self, stack: Stack, rsa_key: RSAPrivateKey, claims: Claims
    ) -> None:
        kid = thumbprint(rsa_key.public_key())
        unsigned = with_header(signed(claims, rsa_key, kid), alg="HS256", typ="JWT", kid=kid)
        public = rsa_key.public_key()
        for secret in (
            public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
            public.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
            public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        ):
            digest = hmac.digest(secret, unsigned.encode(), hashlib.sha256)
            signature = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
            assert await status_of(stack, f"{unsigned}.{signature}") == 401

    async def test_a_changed_claim(
        self, stack: Stack, rsa_key: RSAPrivateKey, claims: Claims
    ) -> None:
        kid = thumbprint(rsa_key.public_key())
        header, _, signature = signed(claims, rsa_key, kid).split(".")
        body = signed(claims | {"role": "admin"}, rsa_key, kid).split(".")[1]
        assert await status_of(stack, f"{header}.{body}.{signature}") == 401

    @pytest.mark.parametrize("header", ["", "Bearer", "Bearer ", "Bearer x.y.z", "Basic YTpi"])
    async def test_what_is_no_token(self, stack: Stack, header: str) -> None:
        reply = await stack.client.post("/auth/ws-ticket", headers={"Authorization": header})
        assert reply.status == 401
        assert reply.headers["www-authenticate"] == "Bearer"
