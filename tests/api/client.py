"""A caller of the API who remembers every answer."""

import io
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp

JSON = "application/json"


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def problem(self) -> tuple[int, str]:
        """Status and detail, once it is sure that it is a problem document."""
        assert self.headers["Content-Type"] == "application/problem+json"
        document = self.json
        assert document["status"] == self.status
        return self.status, document["detail"]


@dataclass
class Client:
    """Calls with `token` as Bearer; `answers` are all that ever came, in order."""

    http: aiohttp.ClientSession
    base_url: str
    token: str | None
    answers: list[Answer] = field(default_factory=list)

    def as_(self, token: str | None) -> "Client":
        return Client(self.http, self.base_url, token, self.answers)

    async def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        data: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        sent = dict(headers or {})
        if self.token is not None:
            sent.setdefault("Authorization", f"Bearer {self.token}")
        if body is not None:
            data = json.dumps(body).encode()
        if data is not None:
            sent.setdefault("Content-Type", JSON)
        content = io.BytesIO(data) if data is not None else None
        async with self.http.request(
            method, self.base_url + path, data=content, headers=sent
        ) as response:
            answer = Answer(response.status, dict(response.headers), await response.read())
        self.answers.append(answer)
        return answer

    async def get(self, path: str) -> Any:
        answer = await self.call("GET", path)
        assert answer.status == 200, answer.body
        return answer.json

    async def post(self, path: str, body: object = None, status: int = 200) -> Any:
        answer = await self.call("POST", path, body)
        assert answer.status == status, answer.body
        return answer.json

    async def patch(self, path: str, body: object) -> Any:
        answer = await self.call("PATCH", path, body)
        assert answer.status == 200, answer.body
        return answer.json

    async def put(self, path: str, body: object) -> Any:
        answer = await self.call("PUT", path, body)
        assert answer.status == 200, answer.body
        return answer.json

    @asynccontextmanager
    async def events(self, path: str) -> AsyncIterator["EventStream"]:
        async with self.http.get(
            self.base_url + path, headers={"Authorization": f"Bearer {self.token}"}
        ) as response:
            assert response.status == 200
            assert response.content_type == "text/event-stream"
            yield EventStream(response)


@dataclass
class EventStream:
    """Server-sent events as `(id, kind, data)`."""

    response: aiohttp.ClientResponse

    async def next(self) -> tuple[int, str, Any]:
        fields: dict[str, str] = {}
        while line := (await self.response.content.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(": ")
            fields[name] = value
        if "event" not in fields:
            raise EOFError
        return int(fields["id"]), fields["event"], json.loads(fields["data"])

    async def until(self, kind: str, **expected: Any) -> Any:
        """The data of the next event of that kind that has what is expected."""
        while True:
            _, found, data = await self.next()
            if found == kind and all(data[name] == value for name, value in expected.items()):
                return data
