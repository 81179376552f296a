"""Signing keys in a folder: `*.pem`, and a file `signing` with the `kid` of the one that signs."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import structlog
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from services.key_ring import KeyRing, NoSigningKey
from settings import Settings

log = structlog.get_logger()


class KeyFolder:
    """The key ring of a folder. `watch` reads changes within `interval` seconds.

    Raises, when made:
        NoSigningKey: the folder holds no usable key.
    """

    def __init__(self, folder: Path, *, interval: float) -> None:
        self._folder = folder
        self._interval = interval
        self._seen = self._look()
        self._ring = read_key_ring(folder)

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The folder `jwt` of the service's secrets."""
        return cls(settings.secrets_dir / "jwt", interval=settings.signing_keys_interval)

    def ring(self) -> KeyRing:
        return self._ring

    async def keys(self, kid: str) -> Mapping[str, RSAPublicKey]:  # noqa: ARG002 -- all are at hand
        """The public keys by `kid` (`shared.kit.auth.user_tokens.KeySet`)."""
        return self._ring.public_keys

    async def watch(self) -> None:
        """Read changes until cancelled. An unusable folder leaves the ring unchanged."""
        while True:
            await asyncio.sleep(self._interval)
            await self.refresh()

    async def refresh(self) -> None:
        """Read the folder again if a file in it has changed."""
        seen = await asyncio.to_thread(self._look)
        if seen == self._seen:
            return
        try:
            self._ring = await asyncio.to_thread(read_key_ring, self._folder)
        except NoSigningKey as error:
            log.warning("signing_keys_unusable", reason=str(error))
        else:
            self._seen = seen
            log.info(
                "signing_keys_read", kids=sorted(self._ring.keys), signing=self._ring.signing_kid
            )

    def _look(self) -> dict[str, tuple[int, int]]:
        return {
            path.name: (status.st_mtime_ns, status.st_ino)
            for path in self._files()
            for status in [path.stat()]
        }

    def _files(self) -> list[Path]:
        return [*sorted(self._folder.glob("*.pem")), *self._folder.glob("signing")]


def read_key_ring(folder: Path) -> KeyRing:
    """The ring of all keys in the folder, by file name.

    Raises:
        NoSigningKey: a file can't be read as an RSA key, or none is there to sign.
    """
    try:
        keys = [_read_key(path) for path in sorted(folder.glob("*.pem"))]
        signing = folder / "signing"
        signing_kid = signing.read_text().strip() if signing.exists() else None
    except (OSError, ValueError) as error:
        raise NoSigningKey(f"{folder} can't be read: {error}") from error
    return KeyRing.of(keys, signing_kid=signing_kid)


def _read_key(path: Path) -> RSAPrivateKey:
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, RSAPrivateKey):
        raise ValueError(f"{path.name} holds no RSA key")  # noqa: TRY004 -- of content, not of type
    return key
