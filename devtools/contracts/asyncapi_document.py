"""One AsyncAPI 3 document for everything that is not asked for: events, streams and sockets."""

from collections.abc import Iterable, Mapping
from typing import cast

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from devtools.contracts.consistency import MODELS
from devtools.contracts.json_text import json_text
from devtools.contracts.stub_routes import type_of
from shared.testing.contracts.files import ContractFile
from shared.testing.contracts.models import model
from shared.testing.contracts.schema import Contract, Event, Socket, SocketEvent, Stream

Node = dict[str, object]

ENVELOPE = "event.EventEnvelope"
REFERENCES = "#/components/schemas/{model}"


class Document:
    """The document as it grows: channels, who sends and receives there, messages."""

    def __init__(self, files: Iterable[ContractFile]) -> None:
        files = list(files)
        self._contracts = [file.contract for file in files]
        events = [event for it in self._contracts for event in it.events]
        self._consumers = {it.name: it for file in self._contracts for it in file.consumers}
        self.live = {it.type: it.payload for it in events if "live" in it.consumers}
        told = [keys for keys in MODELS if keys[0] != "endpoints"]
        names = {name for file in files for keys in told for name, _ in file.each(*keys)}
        self._kinds = {name: model(name) for name in sorted({*names, ENVELOPE})}
        wanted: list[tuple[type[BaseModel], JsonSchemaMode]] = [
            (kind, "validation") for kind in self._kinds.values()
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
        return json_text(document)

    def _event(self, contract: Contract, event: Event) -> None:
        title = f"Deliveries of {event.type}, from the outbox"
        self._channel(contract, event.type, event.type, title, [self._enveloped(event)])
        consumers = {self._consumers[name].service for name in event.consumers}
        self._operate(event.type, event.publishers, sorted(consumers))

    def _stream(self, contract: Contract, stream: Stream) -> None:
        payload = self.reference(stream.entry)
        self._messages[stream.name] = {"name": stream.name, "payload": payload}
        channel, address = f"streams.{stream.name}", f"/streams/{stream.name}"
        title = f"Entries of the stream {stream.name}, as server-sent events"
        self._channel(contract, channel, address, title, [stream.name])
        self._operate(channel, [stream.publisher], stream.consumers)

    def _socket(self, contract: Contract, socket: Socket) -> None:
        own = [self._enveloped(event) for event in socket.events]
        query = {
            name: TypeAdapter(cast("type[object]", type_of(parameter))).json_schema()
            for name, parameter in socket.query.items()
        }
        binding = {
            "method": "GET",
            "query": {"type": "object", "properties": query},
            "bindingVersion": "0.1.0",
        }
        channel = socket.path.strip("/").replace("/", ".")
        title = f"The WebSocket {socket.path}"
        self._channel(contract, channel, socket.path, title, [*sorted(self.live), *own])
        self._channels[channel] |= {
            "bindings": {"ws": binding},
            "x-refusals": {str(status): codes for status, codes in socket.refusals.items()},
            "x-closes": {str(code): name for code, name in socket.closes.items()},
        }
        self._operate(channel, [socket.service], [])

    def _channel(
        self, contract: Contract, name: str, address: str, title: str, messages: list[str]
    ) -> None:
        self._channels[name] = {
            "address": address,
            "title": title,
            "messages": {it: {"$ref": f"#/components/messages/{it}"} for it in messages},
            "x-contract": contract.name,
        }

    def _enveloped(self, event: Event | SocketEvent) -> str:
        payload = self.reference(event.payload) if event.payload else {"maxProperties": 0}
        narrowed: Node = {
            "event_type": {"const": event.type},
            "version": {"const": event.version},
            "payload": payload,
        }
        shape = {"type": "object", "properties": narrowed}
        self._messages[event.type] = {
            "name": event.type,
            "payload": {"allOf": [self.reference(ENVELOPE), shape]},
        }
        return event.type

    def _operate(self, channel: str, senders: list[str], receivers: list[str]) -> None:
        for action, services in (("send", senders), ("receive", receivers)):
            for service in services:
                self._operations[f"{service}.{action}.{channel}"] = {
                    "action": action,
                    "channel": {"$ref": f"#/channels/{channel}"},
                    "x-service": service,
                }

    def reference(self, name: str) -> Mapping[str, object]:
        """How the document refers to the model `name`."""
        return self._references[self._kinds[name], "validation"]
