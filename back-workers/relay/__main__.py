import asyncio
import signal
from contextlib import AsyncExitStack, suppress

import structlog

import heartbeat
from broker import Broker
from outbox_client import HttpOutboxClient
from relay.consumers import consumers
from relay.delivery_poller import DeliveryPoller
from relay.erasure import erasure
from relay.security_events import SecurityEventCarrier
from settings import Settings
from shared.kit import service_client, start_logging
from shared.kit.runtime.event_loop import run

log = structlog.get_logger()


async def relay(settings: Settings, stopping: asyncio.Event) -> None:
    """Deliver to every consumer and carry security events until `stopping`."""
    async with AsyncExitStack() as stack:
        enter = stack.enter_async_context
        postgres = await enter(
            service_client(settings, "back-postgres", settings.back_postgres_url)
        )
        api = await enter(service_client(settings, "back-api", settings.back_api_url))
        cassandra = await enter(
            service_client(settings, "back-cassandra", settings.back_cassandra_url)
        )
        redis = await enter(service_client(settings, "back-redis", settings.back_redis_url))
        broker = await enter(Broker(settings))
        outbox = HttpOutboxClient(postgres, lease_seconds=settings.lease_seconds)
        log.info("relay_started")
        async with asyncio.TaskGroup() as group:
            group.create_task(_send_heartbeats(stopping))
            targets = consumers(
                api, cassandra, redis, broker, erasure(postgres, redis, settings.exports_dir)
            )
            poller = DeliveryPoller(outbox, targets, settings)
            group.create_task(poller.run(stopping))
            carrier = SecurityEventCarrier(redis, postgres, settings)
            group.create_task(carrier.run(stopping))
        log.info("relay_stopped")


async def _send_heartbeats(stopping: asyncio.Event) -> None:
    while not stopping.is_set():
        heartbeat.touch("relay")
        with suppress(TimeoutError):
            async with asyncio.timeout(heartbeat.BEAT_SECONDS):
                await stopping.wait()


async def main() -> None:
    settings = Settings()
    start_logging(settings)
    stopping = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stopping.set)
    await relay(settings, stopping)


if __name__ == "__main__":
    run(main())
