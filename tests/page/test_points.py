"""The page draws what the service answers, where it answers it."""

import io
import json
import subprocess
import time
from pathlib import Path

import numpy as np
import pytest
import requests
from PIL import Image
from selenium.webdriver import ActionChains, Keys

from client import Client
from tests.page.browser import Browser
from tests.page.conftest import needs_chromium, on_both_servers
from tools.processes import Service

pytestmark = needs_chromium

AWAY = {  # what each orientation undoes
    3: Image.Transpose.ROTATE_180,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


def ask(service: Service, content: bytes) -> dict[str, np.ndarray]:
    url = f"{service.url}/v2/models/unet/infer"
    answer = requests.post(url, content, headers={"content-type": "image/jpeg"}, timeout=60)
    answer.raise_for_status()
    outputs = answer.json()["outputs"]
    return {o["name"]: np.array(o["data"]).reshape(o["shape"]) for o in outputs}


def list_names(service: Service) -> list[str]:
    model = requests.get(f"{service.url}/v2/models/unet", timeout=60).json()
    return model["parameters"]["landmarks"]["points"]


def turn(content: bytes, kind: str, orientation: int) -> bytes:
    """Write the picture turned away, with the EXIF that sets it upright."""
    image = Image.open(io.BytesIO(content)).resize((512, 400))
    image = image.transpose(AWAY[orientation])
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = orientation
    image.save(file, kind, exif=exif, lossless=True, quality=95)
    return file.getvalue()


@on_both_servers
@pytest.mark.parametrize("picture", ["photo", "group"])
def test_points_appear_where_the_service_says(page: Browser, served, picture, request):
    path: Path = request.getfixturevalue(picture)
    expected, names = ask(served, path.read_bytes()), list_names(served)
    count = len(expected["boxes"])
    assert page.give(path) == [f"{count} face" + "s" * (count > 1)]
    drawn = page.list_points()
    assert [(face, name) for face, name, _, _ in drawn] == [
        (face, name) for face in range(count) for name in names
    ]
    places = np.array([entry[2:] for entry in drawn]).reshape(count, -1, 2)
    np.testing.assert_allclose(places, expected["landmarks"], atol=0.011)
    # And on the screen: each circle's middle lies there, of the picture as large as it is shown.
    screen = page.run(
        """const frame = document.getElementById("frame").getBoundingClientRect();
        return [frame.width, [...document.querySelectorAll("#marks circle")].map((circle) => {
          const at = circle.getBoundingClientRect();
          return [at.left + at.width / 2 - frame.left, at.top + at.height / 2 - frame.top]; })]"""
    )
    scale = screen[0] / Image.open(path).width
    there = (expected["landmarks"].reshape(-1, 2) + 0.5) * scale
    np.testing.assert_allclose(np.array(screen[1]), there, atol=1.5)


@pytest.mark.parametrize("orientation", [3, 5, 6, 7, 8])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_a_picture_is_seen_as_the_service_turns_it(
    page, transformer, astronaut, tmp_path, kind, orientation
):
    path = tmp_path / f"turned.{kind.lower()}"
    path.write_bytes(turn(astronaut, kind, orientation))
    page.give(path)
    assert "512 × 400" in page.read("summary")
    places = ask(transformer, path.read_bytes())["landmarks"].reshape(-1, 2)
    np.testing.assert_allclose([p[2:] for p in page.list_points()], places, atol=0.011)
    upright = Image.open(io.BytesIO(astronaut)).resize((512, 400))
    seen = page.read_pixels([(30, 60), (480, 30), (256, 330)])  # flag, wall, suit
    for pixel, place in zip(seen, [(30, 60), (480, 30), (256, 330)], strict=True):
        np.testing.assert_allclose(pixel[:3], np.array(upright.getpixel(place)), atol=40)


def test_a_point_tells_what_it_is(page: Browser, photo):
    page.give(photo)
    nose = page.find("#marks circle[data-point=nose_tip]")
    ActionChains(page.driver).move_to_element_with_offset(nose, 3, 2).perform()
    assert page.wait(lambda: "Nose tip" in page.read("tip"))
    assert page.find("#points tr.lit").text.startswith("Nose tip")
    assert page.read("tip").split()[2:] == [
        word for cell in zip(("x", "y", "score"), page.find("#points tr.lit").text.split()[2:],
        strict=True) for word in cell
    ]  # fmt: skip
    ActionChains(page.driver).move_to_element(page.find("h1")).perform()
    assert page.wait(lambda: not page.find("#tip").is_displayed())
    ActionChains(page.driver).click(page.find("#points tbody tr:nth-child(2)")).perform()
    assert "Right eye center" in page.read("tip")


def test_the_keyboard_reaches_every_point(page: Browser, photo):
    page.give(photo)
    page.run("document.querySelector('#marks circle[tabindex=\"0\"]').focus()")
    seen = [page.read("tip").splitlines()[0]]
    for _ in range(14):
        ActionChains(page.driver).send_keys(Keys.ARROW_RIGHT).perform()
        seen.append(page.read("tip").splitlines()[0])
    assert len(set(seen)) == 15
    told = page.run("return document.activeElement.getAttribute('aria-label')")
    assert told.startswith(seen[-1]) and "score" in told
    ActionChains(page.driver).send_keys(Keys.ESCAPE).perform()
    assert not page.find("#tip").is_displayed()


def test_the_slider_hides_points_below_it(page: Browser, transformer, photo):
    page.give(photo)
    scores = ask(transformer, photo.read_bytes())["scores"].round(3).ravel()
    least = float(np.sort(scores)[7].round(2))
    page.run(
        "const slider = document.getElementById('threshold'); slider.value = arguments[0];"
        "slider.dispatchEvent(new Event('input', {bubbles: true}))",
        least,
    )
    shown = int((scores >= least).sum())
    assert 0 < shown < 15 and len(page.list_points()) == shown
    assert f"{shown} of 15 points" in page.read("least")


@on_both_servers
def test_heatmaps_lie_over_their_points(page: Browser, served, photo):
    page.give(photo)
    places = [*ask(served, photo.read_bytes())["landmarks"][0], (20, 20), (490, 480)]
    before = np.array(page.read_pixels(places), int)
    page.find("#heat").click()
    page.wait(lambda: page.read_pixels(places[:1])[0] != before[0].tolist())
    changed = np.abs(np.array(page.read_pixels(places), int) - before).max(axis=1)
    assert changed[:15].min() > 20 and changed[15:].max() == 0
    # At a lit point alone its own heatmap stays, whose peak is there.
    page.run("document.querySelector('#marks circle[data-point=nose_tip]').focus()")
    alone = np.abs(np.array(page.read_pixels(places), int) - before).max(axis=1)
    names = list_names(served)
    assert alone[names.index("nose_tip")] > 20 and alone[names.index("left_eye_center")] == 0


def test_what_is_saved_is_what_was_answered(page: Browser, transformer, photo, group):
    page.give(photo)
    page.find("[data-do=json]").click()
    arrays = ask(transformer, photo.read_bytes())
    with Client(transformer.url) as client:
        faces = client.locate(photo).to_dict()["faces"]
    saved = json.loads(page.wait_download("astronaut-landmarks.json"))
    assert saved == {"picture": "astronaut.jpg", "faces": json.loads(json.dumps(faces))}
    page.find("[data-do=png]").click()
    time.sleep(0.2)
    drawn = Image.open(io.BytesIO(page.wait_download("astronaut-landmarks.png"))).convert("RGB")
    assert drawn.size == (512, 512)
    plain = Image.open(photo).convert("RGB")
    x, y = (round(v) for v in arrays["landmarks"][0, 10])
    assert drawn.getpixel((x, y)) == (255, 225, 77) != plain.getpixel((x, y))
    page.give(group)
    page.find("#all").click()
    both = json.loads(page.wait_download("landmarks.json"))
    assert [entry["picture"] for entry in both] == [photo.name, group.name]


def test_the_command_asks_for_the_same(page: Browser, group):
    page.give(group)
    command = page.read("curl").replace("curl ", "curl --silent --noproxy '*' ")
    done = subprocess.run(
        ["bash", "-c", command], cwd=group.parent, capture_output=True, timeout=60
    )
    points = {o["name"]: o for o in json.loads(done.stdout)["outputs"]}["landmarks"]
    drawn = [value for entry in page.list_points() for value in entry[2:]]
    np.testing.assert_allclose(drawn, points["data"], atol=0.011)
