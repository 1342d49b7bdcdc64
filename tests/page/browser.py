"""A headless Chromium that tests drive, and what they ask of the page in it."""

import contextlib
import json
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = (
    "headless no-sandbox disable-gpu disable-quic no-first-run disable-dev-shm-usage",
    "disable-background-networking disable-component-update disable-sync no-proxy-server",
    "use-fake-ui-for-media-stream use-fake-device-for-media-stream window-size=1360,950",
)
SECONDS = 60.0  # for whatever the page is waited for


class Browser:
    def __init__(self, folder: Path):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for flag in (*" ".join(FLAGS).split(), f"user-data-dir={tempfile.mkdtemp(dir=folder)}"):
            options.add_argument(f"--{flag}")
        logs = {"browser": "ALL", "performance": "ALL"}
        options.set_capability("goog:loggingPrefs", logs)
        self.driver = webdriver.Chrome(options, Service(DRIVER))
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
