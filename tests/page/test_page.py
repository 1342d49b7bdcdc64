"""The page takes pictures by every way, says what goes wrong, and is for every reader."""

import base64
import signal

import pytest
import requests
from selenium.webdriver import ActionChains, Keys

from tests.page.browser import Browser
from tests.page.conftest import needs_chromium, on_both_servers
from tools.processes import ROOT, Service, find_ports, start_service, wait_ready

pytestmark = needs_chromium

GIVE, CONTRAST = [(ROOT / f"tests/page/{name}.js").read_text() for name in ("give", "contrast")]


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_can_be_pasted_or_dropped(page: Browser, astronaut, kind):
    page.run(GIVE, kind, base64.b64encode(astronaut).decode(), "dropped.jpg")
    assert page.wait_answered(1) == ["1 face"]
    assert page.find("#gallery .name").text == (
        "dropped.jpg" if kind == "drop" else "pasted-1.jpeg"
    )


def test_a_picture_can_be_taken(page: Browser):
    """Chromium's own camera shows a green field with a clock: no face."""
    page.find("#start [data-do=camera]").click()
    page.wait(lambda: page.run("return document.getElementById('video').videoWidth"))
    page.find("[data-do=shoot]").click()
    assert page.wait_answered(1) == ["no faces"]
    assert not page.find("#camera").is_displayed()
    assert page.run("return document.getElementById('video').srcObject") is None
    assert "No face was found" in page.read("summary")


def test_several_pictures_go_on_past_a_bad_one(page: Browser, photo, group, tmp_path):
    bad = tmp_path / "notes.txt"
    bad.write_text("no picture")
    assert page.give(photo, bad, group) == ["1 face", "failed", "6 faces"]
    page.find_all("#gallery .pick")[2].click()
    page.wait(lambda: len(page.list_points()) == 90)
    faces = page.find_all("#faces button")
    faces[4].click()
    assert [face.get_attribute("aria-pressed") for face in faces].count("true") == 1
    page.find("#zoom").click()
    shown = page.run("const v = document.getElementById('marks').viewBox.baseVal; return v.width")
    assert shown < 500
    page.run("document.querySelectorAll('#gallery .drop')[2].click()")
    page.wait(lambda: len(page.list_points()) == 15)
    assert page.list_states() == ["1 face", "failed"]


@on_both_servers
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("notes.txt", b"no picture"),
        ("empty.jpg", b""),
        ("cut.png", b"\x89PNG\r\n\x1a\n" + bytes(40)),
        ("huge.jpg", b"\xff\xd8\xff" + bytes(17 * 2**20)),
    ],
)
def test_an_error_is_the_services_own_sentence(page: Browser, served, tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    answer = requests.post(
        f"{served.url}/v2/models/unet/infer",
        content,
        headers={"content-type": "image/jpeg"},
        timeout=60,
    )
    assert page.give(tmp_path / name) == ["failed"]
    assert page.read("sentence") == answer.json()["error"]
    assert page.find("#error").get_attribute("role") == "alert"
    assert page.find("[data-do=json]").get_attribute("disabled")


def test_nothing_hangs_when_the_server_goes(chromium: Browser, predictor: Service, photo, tmp_path):
    ports = find_ports()
    settings = {"LANDMARKS_PREDICTOR": f"127.0.0.1:{predictor.grpc}"}

    def start() -> Service:
        return start_service("transformer", ports.rest, ports.grpc, tmp_path, settings)

    service = start()
    try:
        wait_ready(service)
        chromium.open(service.url)
        chromium.run("document.documentElement.dataset.seconds = 3")
        service.process.send_signal(signal.SIGSTOP)  # there, and silent
        assert chromium.give(photo) == ["failed"]
        assert chromium.read("sentence") == "No answer came within 3 seconds."
        service.process.send_signal(signal.SIGCONT)
        service.stop()
        chromium.find("[data-do=again]").click()
        chromium.wait(lambda: chromium.read("sentence") == "The service cannot be reached.")
        assert "Try again" in chromium.read("advice")
        service = start()
        wait_ready(service)
        chromium.run("document.documentElement.dataset.seconds = 40")
        chromium.find("[data-do=again]").click()
        chromium.wait(lambda: chromium.list_states() == ["1 face"])
        assert len(chromium.list_points()) == 15
    finally:
        service.process.send_signal(signal.SIGCONT)
        service.stop()


def test_a_screen_reader_has_a_name_for_everything(page: Browser, photo):
    page.give(photo)
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "link", "slider", "checkbox", "image", "group", "region", "alert", "table"}
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert len(named) > 25 and ("slider", "Show points scored from") in named
    assert [role for role, name in named if not name and role not in ("alert", "table")] == []
    page.run("document.activeElement.blur(); document.body.focus()")
    stops = []
    for _ in range(40):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        stops.append(
            page.run("const e = document.activeElement; return e.id || e.dataset.do || e.tagName")
        )
    assert {"heat", "zoom", "threshold", "choose", "copy", "png", "json", "circle"} <= set(stops)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_night(page: Browser, photo, tmp_path, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.send("Emulation.setEmulatedMedia", features=[feature])
    try:
        ground = page.run("return getComputedStyle(document.body).backgroundColor")
        assert ("246" in ground) == (scheme == "light")
        assert page.run(CONTRAST) == []
        (tmp_path / "no.txt").write_text("none")
        page.give(photo, tmp_path / "no.txt")
        assert page.run(CONTRAST) == []
        page.find_all("#gallery .pick")[1].click()
        page.wait(lambda: page.read("sentence"))
        assert page.run(CONTRAST) == []
    finally:
        page.send("Emulation.setEmulatedMedia", features=[])


def test_it_fits_a_phone(page: Browser, photo, group):
    screen = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.send("Emulation.setDeviceMetricsOverride", **screen)
    try:
        wide = "return document.documentElement.scrollWidth"
        assert page.run(wide) <= 360
        page.give(group, photo, *[ROOT / "helm/files/face.jpg"] * 4)
        page.find_all("#gallery .pick")[0].click()
        page.wait(lambda: len(page.list_points()) == 90)
        assert page.run(wide) <= 360
        frame = page.run("return document.getElementById('frame').getBoundingClientRect().toJSON()")
        assert frame["left"] >= 0 and frame["right"] <= 360 and frame["width"] > 300
    finally:
        page.send("Emulation.clearDeviceMetricsOverride")
