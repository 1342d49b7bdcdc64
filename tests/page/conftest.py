"""A headless Chromium that tests drive, and pictures to give to the page."""

import contextlib
import io
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from selenium import webdriver
from selenium.webdriver.chrome.service import Service as Driver
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tools.processes import Service

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-dev-shm-usage",
    "disable-background-networking disable-component-update disable-sync no-proxy-server",
    "use-fake-ui-for-media-stream use-fake-device-for-media-stream window-size=1360,950",
)
SECONDS = 60.0  # for whatever the page is waited for

GIVE = """// Paste or drop a picture: kind, base64, name.
const [kind, content, name] = arguments;
const data = new DataTransfer();
const bytes = Uint8Array.from(atob(content), (c) => c.charCodeAt(0));
data.items.add(new File([bytes], name, { type: "image/jpeg" }));
const how = { bubbles: true, cancelable: true };
const event =
  kind === "paste"
    ? new ClipboardEvent("paste", { ...how, clipboardData: data })
    : new DragEvent("drop", { ...how, dataTransfer: data });
document.body.dispatchEvent(event);
"""
CONTRAST = """// Every text that is seen on less than 4.5 times its own brightness: [ratio, what].
const bend = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
const measure = (text) => {
  const [r, g, b] = text.match(/[0-9.]+/g).map((v) => bend(v / 255));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const findGround = (element) => {
  for (; element; element = element.parentElement) {
    const colour = getComputedStyle(element).backgroundColor;
    if (!colour.endsWith(", 0)")) return colour;
  }
  return "rgb(255, 255, 255)";
};
const texts = "h1, h2, p, button, td, th, label, a, code, output, span, small";
return [...document.querySelectorAll(texts)]
  .filter((e) => e.checkVisibility() && e.textContent.trim() && !e.disabled && !e.closest("#tip"))
  .map((e) => {
    const both = [getComputedStyle(e).color, findGround(e)].map(measure);
    const ratio = (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
    return [ratio, `${e.tagName} ${e.className} ${e.textContent.trim().slice(0, 30)}`];
  })
  .filter(([ratio, what]) => ratio < 4.5 && !what.includes("×"));
"""


class Browser:
    def __init__(self, folder: Path):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for flag in (*" ".join(FLAGS).split(), f"user-data-dir={tempfile.mkdtemp(dir=folder)}"):
            options.add_argument(f"--{flag}")
        logs = {"browser": "ALL", "performance": "ALL"}
        options.set_capability("goog:loggingPrefs", logs)
        self.driver = webdriver.Chrome(options, Driver(DRIVER))
        self.driver.set_script_timeout(SECONDS)
        self.driver.set_page_load_timeout(SECONDS)

    def send(self, command: str, **parameters: Any) -> dict:
        return self.driver.execute_cdp_cmd(command, parameters)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def open(self, url: str) -> None:
        """Open the page anew, and wait until it knows its model or why not."""
        self.driver.get(f"{url}/")
        self.wait(lambda: "Asking" not in self.read("about"))

    @contextlib.contextmanager
    def be_offline(self) -> Iterator[None]:
        rates = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.send("Network.emulateNetworkConditions", offline=True, **rates)
        try:
            yield
        finally:
            self.send("Network.emulateNetworkConditions", offline=False, **rates)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def read(self, name: str) -> str:
        """Read the text of an element by its id; "" where it is hidden."""
        return self.find(f"#{name}").text

    def wait(self, check: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """Wait until it is so; raises AssertionError with what the page says instead."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if found := check():
                return found
            time.sleep(0.05)
        raise AssertionError(f"It never was so; the page says: {self.find('body').text[:2000]}")

    def give(self, file: Path) -> str:
        """Choose a file, wait for its answer, and return what the page says of it."""
        self.find("#file").send_keys(str(file))
        return self.wait_answered(file.name)

    def wait_answered(self, name: str) -> str:
        def look() -> str | None:
            said = self.read("summary")
            return said if f" {name}" in said and "Asking" not in said else None

        said = self.wait(look)
        self.wait(lambda: not self.run("return document.querySelector('.waiting')"))
        return said

    def read_faces(self) -> dict:
        """Read the JSON that the page shows, and would save."""
        return json.loads(self.run("return document.getElementById('json').textContent"))

    def read_pixels(self, places: Sequence[tuple[float, float]]) -> list[list[int]]:
        """Read the canvas's colours where these points of the picture are drawn."""
        return self.run(
            """const canvas = document.getElementById("picture"), zoom = canvas.dataset.zoom;
            const pen = canvas.getContext("2d");
            return arguments[0].map(([x, y]) =>
              [...pen.getImageData(zoom * (x + 0.5), zoom * (y + 0.5), 1, 1).data].slice(0, 3))""",
            [[float(x), float(y)] for x, y in places],
        )

    def list_requests(self) -> list[str]:
        """List the addresses that a page of this machine asked for since the last call."""
        messages = [json.loads(e["message"])["message"] for e in self.driver.get_log("performance")]
        sent = [m["params"] for m in messages if m["method"] == "Network.requestWillBeSent"]
        ours = (each for each in sent if each["documentURL"].startswith("http://127.0.0.1"))
        return [each["request"]["url"] for each in ours]  # the others are the browser's own

    def list_complaints(self) -> list[str]:
        """List what the browser found wrong with the page itself since the last call."""
        entries = self.driver.get_log("browser")
        usual = ("Failed to load resource", "willReadFrequently")  # of 4xx; these tests' own
        return [e["message"] for e in entries if not any(word in e["message"] for word in usual)]


needs_chromium = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs chromium and chromedriver"
)


@pytest.fixture(scope="session")
def chromium(tmp_path_factory) -> Iterator[Browser]:
    browser = Browser(tmp_path_factory.mktemp("chromium"))
    yield browser
    browser.driver.quit()


@pytest.fixture
def served(request: pytest.FixtureRequest) -> Service:
    """The server of the page: the transformer, and where a test is parametrized, the other."""
    return request.getfixturevalue(getattr(request, "param", "transformer"))


on_both_servers = pytest.mark.parametrize("served", ["transformer", "standalone"], indirect=True)


@pytest.fixture
def page(chromium: Browser, served: Service) -> Iterator[Browser]:
    """The page, just opened; afterwards it has asked no other server, and broken no rule."""
    chromium.list_requests()
    chromium.list_complaints()
    chromium.open(served.url)
    yield chromium
    asked = chromium.list_requests()
    assert asked
    assert [url for url in asked if not url.startswith((served.url, "blob:", "data:"))] == []
    assert chromium.list_complaints() == []


@pytest.fixture(scope="session")
def photo(tmp_path_factory, astronaut: bytes) -> Path:
    path = tmp_path_factory.mktemp("photo") / "astronaut.jpg"
    path.write_bytes(astronaut)
    return path


@pytest.fixture(scope="session")
def group(tmp_path_factory, astronaut: bytes) -> Path:
    """Six faces of three sizes in one wide picture."""
    whole = Image.new("RGB", (1500, 620), "#777777")
    face = Image.open(io.BytesIO(astronaut)).crop((100, 20, 360, 280))
    for number in range(6):
        side = (240, 180, 300)[number % 3]
        whole.paste(face.resize((side, side)), (20 + 480 * (number % 3), 310 * (number // 3)))
    path = tmp_path_factory.mktemp("group") / "a group's picture.png"
    whole.save(path)
    return path
