"""A caller of the sandbox, as plain as it gets: it signs by the letter of the Partner Center's
page and shares no code with the client or with the sandbox."""

import hashlib
import hmac
import json
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import aiohttp
from PIL import Image

from sync.sandbox.server import Sandbox

Json = dict[str, Any]

CANDLES = "600338"


class Caller:
    """Calls as the app, with the token of a seller it has connected."""

    def __init__(self, sandbox: Sandbox, session: aiohttp.ClientSession) -> None:
        self.sandbox = sandbox
        self.session = session
        self.token = ""
        self.refresh_token = ""
        self.cipher = ""
        self.status = 0
        self.headers: Json = {}

    async def connect(self, seller: str = "cedar", shop: int = 0) -> "Caller":
        """Click through the consent and take the tokens, and the shop's cipher if there is one."""
        redirect = (await self.sandbox.control.consent(seller))["redirect"]
        [code] = parse_qs(urlsplit(redirect).query)["code"]
        pair = (await self.redeem(code))["data"]
        self.token, self.refresh_token = pair["access_token"], pair["refresh_token"]
        shops = (await self.data("GET", "/authorization/202309/shops", cipher=None))["shops"]
        if shops:
            self.cipher = shops[shop]["cipher"]
        return self

    async def redeem(self, code: str, **changes: str) -> Json:
        query = {
            "app_key": self.sandbox.app_key,
            "app_secret": self.sandbox.app_secret,
            "auth_code": code,
            "grant_type": "authorized_code",
        } | changes
        return await self.plain("/api/v2/token/get", query)

    async def refresh(self, token: str) -> Json:
        query = {
            "app_key": self.sandbox.app_key,
            "app_secret": self.sandbox.app_secret,
            "refresh_token": token,
            "grant_type": "refresh_token",
        }
        return await self.plain("/api/v2/token/refresh", query)

    async def plain(self, path: str, query: dict[str, str]) -> Json:
        async with self.session.get(self.sandbox.url + path, params=query) as response:
            self.status = response.status
            answer: Json = await response.json()
            return answer

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: dict[str, str] | None = None,
        cipher: str | None = "",
        form: aiohttp.FormData | None = None,
        headers: dict[str, str] | None = None,
        timestamp: int | None = None,
        sign: str | None = None,
        leave_out: str = "",
    ) -> Json:
        """Sign and send; the whole answer. `cipher` "" is the shop's, None sends none."""
        data = json.dumps(body).encode() if body is not None else b""
        signed = {
            "app_key": self.sandbox.app_key,
            "timestamp": str(timestamp or self.sandbox.world.clock.seconds()),
            **(query or {}),
        }
        if cipher is not None:
            signed["shop_cipher"] = cipher or self.cipher
        signed.pop(leave_out, None)
        secret = self.sandbox.app_secret
        text = path + "".join(f"{key}{signed[key]}" for key in sorted(signed))
        raw = secret.encode() + text.encode() + (b"" if form else data) + secret.encode()
        expected = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        if leave_out != "sign":
            signed["sign"] = sign or expected
        sent = {"x-tts-access-token": self.token} | (headers or {})
        if form is None:
            sent.setdefault("content-type", "application/json")
        async with self.session.request(
            method,
            self.sandbox.url + path,
            params=signed,
            data=form if form is not None else data,
            headers=sent,
        ) as response:
            self.status = response.status
            self.headers = dict(response.headers)
            answer: Json = await response.json()
            return answer

    async def data(self, method: str, path: str, body: Any = None, **how: Any) -> Json:
        """The data of an answer that must be a success."""
        answer = await self.call(method, path, body, **how)
        assert answer["code"] == 0, answer
        data: Json = answer["data"]
        return data

    async def upload(self, data: bytes | None = None, use_case: str = "MAIN_IMAGE") -> Json:
        """The whole answer to an upload."""
        form = aiohttp.FormData()
        form.add_field(
            "data", BytesIO(data or picture()), filename="a.png", content_type="image/png"
        )
        form.add_field("use_case", use_case)
        return await self.call("POST", "/product/202309/images/upload", form=form, cipher=None)

    async def image(self) -> str:
        """The uri of a picture just uploaded."""
        uri: str = (await self.upload())["data"]["uri"]
        return uri

    async def body(self, **changes: Any) -> Json:
        """The body of a create that passes, with `changes`."""
        warehouse = self.sandbox.world.market(await self.shop_id()).shop.warehouses[0].id
        body: Json = {
            "title": "Cedar candle in a stoneware jar, 220 g",
            "description": "<p>Burns for forty hours.</p>",
            "category_id": CANDLES,
            "main_images": [{"uri": await self.image()}],
            "skus": [
                {
                    "seller_sku": "CANDLE-1",
                    "price": {"amount": "24.00", "currency": "USD"},
                    "inventory": [{"warehouse_id": warehouse, "quantity": 5}],
                }
            ],
        }
        return body | changes

    async def shop_id(self) -> str:
        """The shop whose cipher this is."""
        for market in self.sandbox.world.markets.values():
            if market.shop.cipher == self.cipher:
                return market.shop.id
        raise AssertionError("not connected to a shop")

    async def create(self, **changes: Any) -> Json:
        """A product created: the answer's data."""
        return await self.data("POST", "/product/202309/products", await self.body(**changes))

    async def product(self, product_id: str) -> Json:
        return await self.data("GET", f"/product/202309/products/{product_id}")

    async def search(self, body: Json | None = None, **query: str) -> Json:
        query.setdefault("page_size", "100")
        return await self.data("POST", "/product/202502/products/search", body or {}, query=query)


def picture(width: int = 300, height: int = 300, kind: str = "PNG") -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), (180, 120, 60)).save(buffer, kind)
    return buffer.getvalue()
