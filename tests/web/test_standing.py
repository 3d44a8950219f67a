"""The host's page says in words how it stands with the host."""

from playwright.async_api import Page

from tests.api.client import Client
from tests.peers.rtmp_record import RtmpRecord
from tests.webrtc.chromium import FAKE_CAMERA, Launch

STEP_MS = 30_000

PULL_OUT = """() => {
  const devices = navigator.mediaDevices;
  const open = MediaDevices.prototype.getUserMedia.bind(devices);
  devices.getUserMedia = (wish) => new Promise((resolve, reject) => {
    window.plugIn = () => open(wish).then(resolve, reject);
    window.none = () => reject(new DOMException("", "NotFoundError"));
  });
  const [microphone] = document.getElementById("self").srcObject.getAudioTracks();
  microphone.stop();
  microphone.dispatchEvent(new Event("ended"));
}"""


async def says(page: Page, state: str, words: str) -> None:
    """Wait until the page is in `state` and says `words`."""
    status = page.locator(f'body[data-state="{state}"] #status').get_by_text(words, exact=True)
    await status.wait_for(timeout=STEP_MS)


async def test_host_is_told_of_the_green_room_the_show_and_the_picture(
    owner: Client, destination: RtmpRecord, page: Page
) -> None:
    show = await owner.post("/api/v1/shows", {"title": "Autumn"}, 201)
    path = f"/api/v1/shows/{show['id']}"
    ann = await owner.post(f"{path}/feeds", {"name": "Ann"}, 201)
    feed = f"{path}/feeds/{ann['id']}"
    layout = f"{path}/canvases/landscape/layout"
    body = {"platform": "custom", "url": destination.url, "stream_key": "k"}
    await owner.post(f"{path}/targets", body, 201)

    await page.goto(ann["join_url"])
    await says(page, "idle", "Press join when you are ready.")
    await page.get_by_role("button", name="Join").click()
    await says(
        page, "waiting", "You are in the green room: the studio sees you. Wait to be let in."
    )
    await owner.patch(feed, {"admitted": True})
    await says(page, "connected", "You are connected and let in. The show is not on air yet.")
    await owner.post(f"{path}/start")
    await says(page, "onair", "You are on air.")
    await owner.patch(feed, {"muted": True})
    await says(page, "onair", "You are on air. Your microphone is muted by the studio.")
    await owner.put(layout, {"slots": []})
    await says(
        page,
        "connected",
        "The show is on air. You are not in the picture. Your microphone is muted by the studio.",
    )
    await owner.patch(feed, {"muted": False})
    await says(
        page, "connected", "The show is on air. You are not in the picture. You can be heard."
    )
    await owner.call("DELETE", feed)
    await says(
        page, "failed", "This invitation is not valid any more. Ask the studio for a new link."
    )


async def test_joining_on_a_second_page_of_the_same_browser_takes_the_place(
    owner: Client, launch: Launch
) -> None:
    show = await owner.post("/api/v1/shows", {"title": "Autumn"}, 201)
    path = f"/api/v1/shows/{show['id']}/feeds"
    ann = await owner.post(path, {"name": "Ann", "admitted": True}, 201)
    device = await (await launch(FAKE_CAMERA)).new_context()
    page, other = await device.new_page(), await device.new_page()

    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.method))
    for each in (page, other):
        await each.goto(ann["join_url"])
        await each.get_by_role("button", name="Join").click()
        await says(each, "connected", "You are connected and let in. The show is not on air yet.")

    await says(page, "idle", "You have joined on another page instead.")
    assert "DELETE" not in asked  # it would be the goodbye of the host, who is still there


async def test_host_who_leaves_is_gone_at_once(owner: Client, page: Page) -> None:
    show = await owner.post("/api/v1/shows", {"title": "Autumn"}, 201)
    path = f"/api/v1/shows/{show['id']}"
    ann = await owner.post(f"{path}/feeds", {"name": "Ann", "admitted": True}, 201)
    await page.goto(ann["join_url"])
    await page.get_by_role("button", name="Join").click()
    await says(page, "connected", "You are connected and let in. The show is not on air yet.")

    async with page.expect_response(lambda answer: answer.request.method == "DELETE") as goodbye:
        await page.get_by_role("button", name="Leave").click()

    assert (await goodbye.value).status == 200
    [feed] = (await owner.get(path))["feeds"]
    assert feed["state"] == "gone"


async def test_host_whose_microphone_is_pulled_out_goes_on_with_what_is_left(
    owner: Client, launch: Launch
) -> None:
    show = await owner.post("/api/v1/shows", {"title": "Autumn"}, 201)
    path = f"/api/v1/shows/{show['id']}/feeds"
    ann = await owner.post(path, {"name": "Ann", "admitted": True}, 201)
    page = await (await launch(FAKE_CAMERA)).new_page()
    inside = "You are connected and let in. The show is not on air yet."
    sessions: list[str] = []
    page.on("response", lambda response: sessions.append(f"{response.status} {response.url}"))
    await page.goto(ann["join_url"])
    await page.get_by_role("button", name="Join").click()
    await says(page, "connected", inside)

    await page.evaluate(PULL_OUT)
    await says(page, "connecting", "Starting camera and microphone…")
    await page.evaluate("window.plugIn()")
    await says(page, "connected", inside)
    await page.evaluate(PULL_OUT)
    await page.evaluate("window.none()")
    await says(page, "failed", "No camera or microphone was found. Plug one in, then join again.")

    published = [session for session in sessions if "/whip/" in session]
    assert [session[:3] for session in published] == ["201", "201"]


async def test_host_on_a_second_device_waits_until_the_studio_lets_it_take_over(
    owner: Client, launch: Launch
) -> None:
    show = await owner.post("/api/v1/shows", {"title": "Autumn"}, 201)
    path = f"/api/v1/shows/{show['id']}/feeds"
    ann = await owner.post(path, {"name": "Ann", "admitted": True}, 201)
    browser = await launch(FAKE_CAMERA)
    phone, desk = [await (await browser.new_context()).new_page() for _ in range(2)]
    inside = "You are connected and let in. The show is not on air yet."
    waiting = (
        "You are waiting: this invitation is in use on another device. "
        "The studio can let you take over."
    )

    for page, state, words in ((phone, "connected", inside), (desk, "contender", waiting)):
        await page.goto(ann["join_url"])
        await page.get_by_role("button", name="Join").click()
        await says(page, state, words)
    await owner.patch(f"{path}/{ann['id']}", {"admitted": True})

    await says(desk, "connected", inside)
    await says(phone, "contender", waiting)
