"""One AsyncAPI 3 document for everything that is not asked for: events, streams and sockets."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import cast

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from devtools.contracts.stub_routes import type_of
from shared.testing.contracts.files import ContractFile
from shared.testing.contracts.models import model
from shared.testing.contracts.schema import Consumer, Contract, Event, Socket, SocketEvent, Stream

Node = dict[str, object]

ENVELOPE = "event.EventEnvelope"
REFERENCES = "#/components/schemas/{model}"


class Document:
    """The document as it grows: channels, who sends and receives there, messages."""

    def __init__(self, contracts: Iterable[Contract]) -> None:
        self._contracts = list(contracts)
        self._consumers: dict[str, Consumer] = {
            it.name: it for contract in self._contracts for it in contract.consumers
        }
        names = {name for contract in self._contracts for name in _named(contract)}
        self._kinds = {name: model(name) for name in {*names, ENVELOPE}}
        wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [
            (self._kinds[name], "validation") for name in sorted(self._kinds)
        ]
        self._references, shapes = models_json_schema(wanted, ref_template=REFERENCES)
        self._channels: dict[str, Node] = {}
        self._operations: dict[str, Node] = {}
        self._messages: dict[str, Node] = {}
        self.schemas: Node = dict(sorted(shapes["$defs"].items()))

    def render(self, version: str) -> str:
        for contract in self._contracts:
            for event in contract.events:
                self._event(contract, event)
            for stream in contract.streams:
                self._stream(contract, stream)
            for socket in contract.sockets:
                self._socket(contract, socket)
        document = {
            "asyncapi": "3.1.0",
            "info": {
                "title": "Tools Dashboard",
                "version": version,
                "description": "Events, streams and sockets, written from shared/contracts.",
            },
            "defaultContentType": "application/json",
            "channels": dict(sorted(self._channels.items())),
            "operations": dict(sorted(self._operations.items())),
            "components": {
                "messages": dict(sorted(self._messages.items())),
                "schemas": self.schemas,
            },
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def _event(self, contract: Contract, event: Event) -> None:
        message = self._enveloped(event.type, event.version, event.payload)
        consumers = [self._consumers[name] for name in event.consumers]
        self._channel(
            event.type,
            contract,
            address=event.type,
            title=f"Deliveries of {event.type}, from the outbox",
            messages=[message],
        )
        for publisher in event.publishers:
            self._operation("send", publisher, event.type)
        for service in sorted({consumer.service for consumer in consumers}):
            self._operation("receive", service, event.type)

    def _stream(self, contract: Contract, stream: Stream) -> None:
        self._messages[stream.name] = {
            "name": stream.name,
            "payload": self.reference(stream.entry),
        }
        channel = f"streams.{stream.name}"
        self._channel(
            channel,
            contract,
            address=f"/streams/{stream.name}",
            title=f"Entries of the stream {stream.name}, as server-sent events",
            messages=[stream.name],
        )
        self._operation("send", stream.publisher, channel)
        for service in stream.consumers:
            self._operation("receive", service, channel)

    def _socket(self, contract: Contract, socket: Socket) -> None:
        own = [self._own(event) for event in socket.events]
        live = sorted(
            event.type
            for contract_ in self._contracts
            for event in contract_.events
            if "live" in event.consumers
        )
        query = {
            name: TypeAdapter(cast("type[object]", type_of(parameter))).json_schema()
            for name, parameter in socket.query.items()
        }
        channel = socket.path.strip("/").replace("/", ".")
        self._channel(
            channel,
            contract,
            address=socket.path,
            title=f"The WebSocket {socket.path}",
            messages=[*live, *own],
        )
        self._channels[channel] |= {
            "bindings": {
                "ws": {
                    "method": "GET",
                    "query": {"type": "object", "properties": query},
                    "bindingVersion": "0.1.0",
                }
            },
            "x-refusals": {str(status): codes for status, codes in socket.refusals.items()},
            "x-closes": {str(code): name for code, name in socket.closes.items()},
        }
        self._operation("send", socket.service, channel)

    def _own(self, event: SocketEvent) -> str:
        return self._enveloped(event.type, event.version, event.payload)

    def _enveloped(self, kind: str, version: int, payload: str | None) -> str:
        narrowed: Node = {"event_type": {"const": kind}, "version": {"const": version}}
        narrowed["payload"] = self.reference(payload) if payload else {"maxProperties": 0}
        shape = {"type": "object", "properties": narrowed}
        self._messages[kind] = {
            "name": kind,
            "payload": {"allOf": [self.reference(ENVELOPE), shape]},
        }
        return kind

    def _channel(
        self, name: str, contract: Contract, *, address: str, title: str, messages: list[str]
    ) -> None:
        self._channels[name] = {
            "address": address,
            "title": title,
            "messages": {it: {"$ref": f"#/components/messages/{it}"} for it in messages},
            "x-contract": contract.name,
        }

    def _operation(self, action: str, service: str, channel: str) -> None:
        self._operations[f"{service}.{action}.{channel}"] = {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "x-service": service,
        }

    def reference(self, name: str) -> Mapping[str, object]:
        """How the document refers to the model `name`."""
        return self._references[self._kinds[name], "validation"]


def _named(contract: Contract) -> Iterator[str]:
    yield from contract.schemas.values()
    yield from (event.payload for event in contract.events)
    yield from (stream.entry for stream in contract.streams)
    for socket in contract.sockets:
        yield socket.message
        yield from (own.payload for own in socket.events if own.payload)


def render(files: Mapping[str, ContractFile], version: str) -> str:
    """The text of `shared/contracts/generated/asyncapi.json`; `version` is that of shared."""
    return Document(file.contract for file in files.values()).render(version)
