"""A headless Chromium that tests drive, and what they ask of the page in it."""

import json
import shutil
import tempfile
import time
from collections.abc import Callable, Sequence
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
DONE = {"waiting", "asking …", ""}


class Browser:
    """One Chromium with one page."""

    def __init__(self, folder: Path):
        self.folder = folder  # of downloads
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM or ""
        for flag in (*" ".join(FLAGS).split(), f"user-data-dir={tempfile.mkdtemp(dir=folder)}"):
            options.add_argument(f"--{flag}")
        logs = {"browser": "ALL", "performance": "ALL"}
        options.set_capability("goog:loggingPrefs", logs)
        self.driver = webdriver.Chrome(options, Service(DRIVER))
        self.driver.set_script_timeout(SECONDS)
        self.driver.set_page_load_timeout(SECONDS)
        self.send("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(folder))

    def send(self, command: str, **parameters: Any) -> dict:
        """Send a command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, parameters)

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def open(self, url: str) -> None:
        """Open the page anew, and wait until it knows its model or why not."""
        self.driver.get(f"{url}/")
        self.wait(lambda: "Asking" not in self.read("about"))

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector: str) -> list[WebElement]:
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

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

    def list_states(self) -> list[str]:
        """List what the small pictures say: their faces, or that they failed."""
        return [entry.text for entry in self.find_all("#gallery .state")]

    def give(self, *files: Path) -> list[str]:
        """Choose files, and wait until the last of all pictures is answered."""
        before = len(self.list_states())
        self.find("#files").send_keys("\n".join(map(str, files)))
        return self.wait_answered(before + len(files))

    def wait_answered(self, pictures: int) -> list[str]:
        def look() -> list[str] | None:
            states = self.list_states()
            return states if len(states) == pictures and not DONE & set(states) else None

        return self.wait(look)

    def list_points(self) -> list[tuple[int, str, float, float]]:
        """List face, name and place of every point that is drawn, in pixels of the picture."""
        drawn = self.run(
            "return [...document.querySelectorAll('#marks circle')].map(c => [+c.dataset.face,"
            " c.dataset.point, +c.getAttribute('cx') - 0.5, +c.getAttribute('cy') - 0.5])"
        )
        return [tuple(entry) for entry in drawn]

    def read_pixels(self, places: Sequence[tuple[float, float]]) -> list[list[int]]:
        """Read the canvas's colours where these points of the picture are drawn."""
        return self.run(
            """const ids = ["picture", "marks"];
            const [canvas, marks] = ids.map((id) => document.getElementById(id));
            const {x, y, width} = marks.viewBox.baseVal, zoom = canvas.width / width;
            const pen = canvas.getContext("2d");
            return arguments[0].map(([u, v]) =>
              [...pen.getImageData(zoom * (u + 0.5 - x), zoom * (v + 0.5 - y), 1, 1).data])""",
            [[float(x), float(y)] for x, y in places],
        )

    def wait_download(self, name: str) -> bytes:
        path = self.folder / name
        self.wait(lambda: path.exists() and path.stat().st_size)
        return path.read_bytes()

    def list_requests(self) -> list[str]:
        """List the addresses that were asked for since the last call."""
        entries = [json.loads(entry["message"]) for entry in self.driver.get_log("performance")]
        return [
            entry["message"]["params"]["request"]["url"]
            for entry in entries
            if entry["message"]["method"] == "Network.requestWillBeSent"
        ]

    def list_complaints(self) -> list[str]:
        """List what the browser found wrong with the page itself since the last call."""
        entries = self.driver.get_log("browser")
        usual = (
            "Failed to load resource",
            "willReadFrequently",
        )  # answers of 4xx; these tests' own
        return [e["message"] for e in entries if not any(word in e["message"] for word in usual)]
