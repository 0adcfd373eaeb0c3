"""Clients that cost little: one thread reads for all of them, and looks into what has come when the time is taken."""

import json
import selectors
import socket
import time

from serving.server import Json, Server


def answers(server: Server, clients: int, bodies: list[Json]) -> tuple[float, list[bytes]]:
    """Asks for completions, so many at once.

    - Returns: seconds, and the answers as they came over the wire, in the order they ended.
    """
    waiting = [_request(server, body) for body in reversed(bodies)]
    ended: list[bytes] = []
    with selectors.DefaultSelector() as selector:

        def begin() -> None:
            connection = socket.create_connection(("127.0.0.1", server.port))
            connection.sendall(waiting.pop())
            selector.register(connection, selectors.EVENT_READ, [])

        start = time.monotonic()
        for _ in range(min(clients, len(waiting))):
            begin()
        while selector.get_map():
            for key, _ in selector.select():
                connection = key.fileobj
                assert isinstance(connection, socket.socket)
                if part := connection.recv(1 << 16):
                    key.data.append(part)
                    continue
                selector.unregister(connection)
                connection.close()
                ended.append(b"".join(key.data))
                if waiting:
                    begin()
        return time.monotonic() - start, ended


def text_bytes(answer: bytes) -> int:
    """Of an answer, whole or in events."""
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), head
    if b"text/event-stream" not in head.lower():
        return _text_bytes(body)
    events = [part.partition(b"\n\n")[0] for part in body.split(b"data: ")[1:]]
    assert events[-1] == b"[DONE]", events[-1]
    return sum(map(_text_bytes, events[:-1]))


def _text_bytes(completion: bytes) -> int:
    return sum(len(choice["text"].encode()) for choice in json.loads(completion)["choices"])


def _request(server: Server, body: Json) -> bytes:
    data = json.dumps(body).encode()
    fields = ["POST /v1/completions HTTP/1.1", f"Host: 127.0.0.1:{server.port}", "Connection: close"]
    fields += [f"{name}: {value}" for name, value in server.headers().items()]
    return "\r\n".join([*fields, f"Content-Length: {len(data)}", "", ""]).encode() + data
