"""The page takes pictures by every way, draws what the service answers, and is for every reader."""

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image
from selenium.webdriver import ActionChains, Keys

from client import Client
from tests.client.conftest import CONFIG, make_faces, run_script
from tests.page.conftest import CONTRAST, GIVE, Browser, needs_chromium, on_both_servers

pytestmark = needs_chromium

ZOOM = "const c = arguments[0]; return c.dataset.zoom * c.clientWidth / c.width"
POINT, WEAK = [255, 225, 77], [255, 92, 92]
AWAY = {6: Image.Transpose.ROTATE_90, 7: Image.Transpose.TRANSVERSE}  # what each EXIF undoes


@on_both_servers
@pytest.mark.parametrize("picture", ["photo", "group"])
def test_points_are_drawn_where_the_service_says(page: Browser, served, picture, request):
    path: Path = request.getfixturevalue(picture)
    with Client(served.url) as client:
        expected = client.locate(path)
    count = len(expected)
    assert page.give(path).startswith(f"{count} face{'s' * (count > 1)} in {path.name} (")
    shown = page.read_faces()
    assert shown["picture"] == path.name
    assert shown["faces"] == json.loads(json.dumps(expected.to_dict()))["faces"]
    points = [point for face in expected for point in face.points]
    for point, pixel in zip(points, page.read_pixels([(p.x, p.y) for p in points]), strict=True):
        assert np.abs(np.subtract(pixel, POINT if point.score >= 0.5 else WEAK)).max() < 40, point
    assert f"{expected[0].face_score:g}" in page.read("trust")


@pytest.mark.parametrize("orientation", AWAY)
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_seen_as_the_service_turns_it(page, astronaut, tmp_path, kind, orientation):
    exif, path = Image.Exif(), tmp_path / f"turned.{kind.lower()}"
    exif[0x0112] = orientation
    upright = Image.open(io.BytesIO(astronaut)).resize((512, 400))
    upright.transpose(AWAY[orientation]).save(path, kind, exif=exif, lossless=True, quality=95)
    page.give(path)
    places = [(30, 60), (480, 30), (256, 330)]  # flag, wall, suit
    for pixel, place in zip(page.read_pixels(places), places, strict=True):
        np.testing.assert_allclose(pixel, np.array(upright.getpixel(place)), atol=40)
    points = [(p["x"], p["y"]) for p in page.read_faces()["faces"][0]["points"]]
    assert np.abs(np.subtract(page.read_pixels(points), POINT)).mean() < 40


def test_what_the_browser_cannot_read_the_service_draws(page: Browser, astronaut, tmp_path):
    path = tmp_path / "picture.tiff"
    Image.open(io.BytesIO(astronaut)).save(path)
    assert page.give(path).startswith("1 face in")
    assert page.run("return document.getElementById('picture').width") >= 512


@pytest.mark.parametrize("kind", ["paste", "drop"])
def test_a_picture_can_be_pasted_or_dropped(page: Browser, astronaut, kind):
    page.run(GIVE, kind, base64.b64encode(astronaut).decode(), "given.jpg")
    assert page.wait_answered("given.jpg").startswith("1 face")


def test_a_picture_can_be_taken(page: Browser):
    """Chromium's own camera shows a green field with a clock: no face."""
    page.find("#take").click()
    page.wait(lambda: page.run("return document.getElementById('video').videoWidth"))
    page.wait(lambda: page.run("return document.getElementById('live').dataset.frames > 3"))
    page.find("#shoot").click()
    assert page.wait_answered("camera.jpg").startswith("no faces")
    tracks = "return document.getElementById('video').srcObject.getTracks().map(t => t.readyState)"
    assert page.run(tracks) == ["ended"] and not page.find("#camera").is_displayed()


def test_an_error_is_the_services_own_sentence(page: Browser, served, photo, tmp_path):
    (tmp_path / "notes.txt").write_text("no picture")
    url, kind = f"{served.url}/v2/models/unet/infer", {"content-type": "image/jpeg"}
    answer = requests.post(url, b"no picture", headers=kind, timeout=60)
    assert page.give(tmp_path / "notes.txt") == "No answer for notes.txt"
    assert page.read("error") == answer.json()["error"]
    assert page.find("#error").get_attribute("role") == "alert"
    with page.be_offline():
        page.give(photo)
        assert page.read("error") == "The service cannot be reached."
    assert page.give(photo).startswith("1 face") and page.read("error") == ""


def test_heatmaps_lie_where_the_points_are(page: Browser, photo):
    page.give(photo)
    points = page.read_faces()["faces"][0]["points"]
    beside = [(p["x"] + 4, p["y"]) for p in points] + [(5, 5), (300, 300)]
    before = np.array(page.read_pixels(beside), int)
    page.find("#heat").click()
    page.wait(lambda: page.read_pixels(beside[:1])[0] != before[0].tolist())
    changed = np.abs(np.array(page.read_pixels(beside), int) - before).max(axis=1)
    assert np.median(changed[:-2]) > 20 and changed[-2:].max() == 0


def test_another_model_has_its_own_points_and_its_own_bar(chromium: Browser, photo, monkeypatch):
    names = [f"p{i}" for i in range(478)]
    places = [(20.0 + 5 * (i % 22), 20.0 + 5 * (i // 22)) for i in range(478)]  # x, y
    monkeypatch.setitem(CONFIG["parameters"], "points", {"string_value": json.dumps(names)})
    with run_script() as script:
        chromium.open(script.url)
        assert "478 points" in chromium.read("about") and chromium.find("#model").is_displayed()
        full = {"error": "Full.", "code": "overloaded"}  # asked again, as it is told to
        script.queue = [(429, full, {"retry-after": "1"}), (200, make_faces(places), {})]
        assert chromium.give(photo).startswith("1 face")
        (face,) = chromium.read_faces()["faces"]
        assert [point["name"] for point in face["points"]] == names
        assert not face["trusted"] and "can't be trusted" in chromium.read("trust")  # below 0.9
        drawn = np.array(chromium.read_pixels(places))
        assert (np.abs(drawn - POINT).max(axis=1) < 60).mean() > 0.95
        script.queue = [(503, {}, {})]
        chromium.give(photo)
        assert "answered 503" in chromium.read("error")


def test_the_keyboard_reaches_everything_and_everything_has_a_name(page: Browser, photo):
    page.give(photo)
    nodes = page.send("Accessibility.getFullAXTree")["nodes"]
    roles = {"button", "link", "checkbox", "image", "group", "region"}
    named = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in nodes
        if not node["ignored"] and node["role"]["value"] in roles
    ]
    assert ("image", "astronaut.jpg with 1 face and their points") in named
    assert [role for role, name in named if not name] == []
    page.run("document.activeElement.blur(); document.body.focus()")
    stops = []
    for _ in range(17):
        ActionChains(page.driver).send_keys(Keys.TAB).perform()
        stops.append(page.run("const e = document.activeElement; return e.id || e.tagName"))
    assert {"choose", "take", "heat", "TR", "copy", "save", "SUMMARY"} <= set(stops)
    page.run("document.querySelector('#points tr').focus()")
    seen = [page.read("tip")]
    for _ in range(14):
        ActionChains(page.driver).send_keys(Keys.ARROW_DOWN).perform()
        seen.append(page.read("tip"))
    assert len(set(seen)) == 15 and seen[10].startswith("nose tip 0.")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_it_can_be_read_by_day_and_night_and_on_a_phone(page: Browser, group, scheme):
    feature = {"name": "prefers-color-scheme", "value": scheme}
    page.send("Emulation.setEmulatedMedia", features=[feature])
    screen = {"width": 360, "height": 740, "deviceScaleFactor": 2, "mobile": True}
    page.send("Emulation.setDeviceMetricsOverride", **screen)
    try:
        assert page.run(CONTRAST) == []
        page.give(group)
        assert page.run(CONTRAST) == []
        assert page.run("return document.documentElement.scrollWidth") <= 360
        assert page.run("return document.getElementById('picture').clientWidth") > 300
    finally:
        page.send("Emulation.clearDeviceMetricsOverride")
        page.send("Emulation.setEmulatedMedia", features=[])


def test_a_box_drawn_on_the_picture_is_looked_at(page: Browser, photo):
    page.give(photo)
    canvas = page.find("#picture")
    zoom = page.run(ZOOM, canvas)
    drawn = ActionChains(page.driver).move_to_element(canvas).click_and_hold()
    drawn.move_by_offset(60 * zoom, 80 * zoom).release().perform()
    page.wait_answered(photo.name)
    (face,) = page.wait(lambda: page.read_faces()["faces"])
    assert face["box_score"] == 1
    assert face["box"][2] - face["box"][0] == pytest.approx(60, abs=3)
    assert "--box=" in page.read("curl")


def test_the_chosen_face_is_shown_aligned_with_its_pose(page: Browser, photo):
    page.give(photo)
    page.find("#more").click()
    page.wait(lambda: page.find("#also").is_displayed())
    assert page.run("return document.getElementById('aligned').width") == 112
    words = page.read("measured")
    assert words.startswith("yaw ") and "eye distance" in words and "inside 1" in words


def test_a_large_photograph_goes_with_fewer_pixels_where_that_is_ticked(page, astronaut, tmp_path):
    path = tmp_path / "large.jpg"
    Image.open(io.BytesIO(astronaut)).resize((2500, 3601)).save(path, quality=95)
    assert "sent at" not in page.give(path)
    whole = page.read_faces()["faces"][0]
    page.find("#small").click()
    page.wait(lambda: ", sent at 1067x1536: 0." in page.read("summary"))
    page.wait(lambda: not page.run("return document.querySelector('.waiting')"))
    small = page.read_faces()["faces"][0]
    wide = whole["box"][2] - whole["box"][0]
    assert np.abs(np.subtract(whole["box"], small["box"])).max() < 0.05 * wide
    moved = [
        (p["x"] - q["x"], p["y"] - q["y"])
        for p, q in zip(*(f["points"] for f in (whole, small)), strict=True)
    ]
    assert 0 < np.abs(moved).mean() < 0.01 * wide
    points = [(p["x"], p["y"]) for p in small["points"]]
    assert np.abs(np.subtract(page.read_pixels(points), POINT)).mean() < 40
