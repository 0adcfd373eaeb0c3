import shutil
import unittest

from serving.tests.fixture import server
from serving.tests.tuned import tuned_server

try:
    from selenium import webdriver
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
    from selenium.webdriver.remote.webelement import WebElement
    from selenium.webdriver.support.ui import WebDriverWait
except ImportError as error:
    raise unittest.SkipTest("selenium is not installed: scripts/serving/python installs it") from error


@unittest.skipUnless(
    shutil.which("chromium") and shutil.which("chromedriver"), "there is no chromium with chromedriver here"
)
class PageTests(unittest.TestCase):
    """The page in a real browser."""

    browser: webdriver.Chrome

    @classmethod
    def setUpClass(cls) -> None:
        options = webdriver.ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for argument in (
            "--headless=new",
            "--no-sandbox",
            "--disable-dev-shm-usage",
            "--disable-gpu",
            "--window-size=1100,1200",
        ):
            options.add_argument(argument)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.ChromeService(shutil.which("chromedriver"))
        cls.browser = webdriver.Chrome(options=options, service=service)
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self) -> None:
        self.browser.get(f"http://127.0.0.1:{server().port}/")
        self.wait(lambda: server().name in self.text("about"))

    def tearDown(self) -> None:
        self.assertEqual([entry["message"] for entry in self.browser.get_log("browser")], [])

    def find(self, identifier: str) -> WebElement:
        return self.browser.find_element(By.ID, identifier)

    def text(self, identifier: str) -> str:
        return self.find(identifier).text

    def wait(self, condition: object, seconds: float = 60) -> None:
        WebDriverWait(self.browser, seconds, poll_frequency=0.05).until(lambda _: condition())  # type: ignore[operator]

    def write(self, identifier: str, text: str) -> None:
        field = self.find(identifier)
        field.clear()
        field.send_keys(text)

    def test_a_text_is_continued_and_shown_as_the_model_sees_it(self) -> None:
        self.write("prompt", "the whale ")
        self.write("max_tokens", "60")
        self.write("seed", "3")
        self.find("prompt").send_keys(Keys.CONTROL, Keys.ENTER)
        self.wait(lambda: "bits per byte" in self.text("figures") and self.find("write").is_enabled())
        body = {"max_tokens": 60, "seed": 3, "temperature": 0.8, "top_p": 0.95}
        expected = server().complete("the whale ", **body)["choices"][0]["text"]
        shown = self.find("text").get_property("textContent").removesuffix(" ⏹")
        self.assertEqual(shown, "the whale " + expected)
        words = self.browser.find_elements(By.CSS_SELECTOR, "#text .word")
        self.assertGreater(len(words), 3)
        # A word's spelling, a step for each of its bytes, by mouse and by keyboard.
        words[1].find_elements(By.CSS_SELECTOR, ".char")[0].click()
        word = words[1].get_property("textContent")
        self.assertEqual(self.text("chosen"), word.strip() or "␣")
        steps = self.browser.find_elements(By.CSS_SELECTOR, "#steps .step")
        self.assertGreaterEqual(len(steps), len(word.encode()))
        self.assertIn("%", steps[0].text)
        self.browser.switch_to.active_element.send_keys(Keys.ARROW_LEFT)
        self.assertNotEqual(self.text("chosen"), "")
        self.find("keep").click()
        self.assertEqual(self.find("prompt").get_property("value"), "the whale " + expected)

    def test_writing_can_be_stopped(self) -> None:
        self.write("prompt", "a ")
        self.write("max_tokens", "4096")
        self.write("stop", "never")
        # It must not end by itself: neither with the document nor, over such a line, with the last byte.
        self.write("top_p", "0.01")
        self.browser.set_network_conditions(offline=False, latency=1, throughput=20_000)
        self.addCleanup(self.browser.delete_network_conditions)
        self.find("write").click()
        self.wait(lambda: len(self.text("text")) > 20)
        stop = self.find("complete").find_element(By.CSS_SELECTOR, ".stop")
        self.assertTrue(stop.is_enabled())
        stop.click()
        self.wait(lambda: self.find("write").is_enabled(), 10)
        self.assertLess(len(self.text("text")), 4096)
        self.wait(lambda: server().figures()["hat_open_texts"] == 0)
        self.assertFalse(self.find("error").is_displayed())

    def test_what_was_typed_survives_a_reload(self) -> None:
        self.write("prompt", "größer 語")
        self.write("seed", "12")
        self.browser.refresh()
        self.wait(lambda: server().name in self.text("about"))
        self.assertEqual(self.find("prompt").get_property("value"), "größer 語")
        self.assertEqual(self.find("seed").get_property("value"), "12")

    def test_a_prompt_is_read(self) -> None:
        self.write("prompt", "the whale größer")
        self.find("score").click()
        self.wait(lambda: "18 bytes" in self.text("figures"))
        words = [
            word.get_property("textContent")
            for word in self.browser.find_elements(By.CSS_SELECTOR, "#text .word")
        ]
        self.assertEqual(words, ["the ", "whale ", "größer"])

    def test_a_conversation(self) -> None:
        self.find("tab-chat").click()
        self.write("max_tokens", "30")
        self.find("message").send_keys("the whale", Keys.ENTER)
        self.wait(lambda: self.find("send").is_enabled() and len(self.turns()) == 2)
        self.assertEqual(self.turns()[0], "the whale")
        self.find("message").send_keys("of a ship", Keys.ENTER)
        self.wait(lambda: self.find("send").is_enabled() and len(self.turns()) == 4)
        self.find("forget").click()
        self.assertEqual(self.turns(), [])

    def test_a_turn_that_is_refused_is_taken_back(self) -> None:
        self.find("tab-chat").click()
        self.write("max_tokens", "1000000")
        self.find("message").send_keys("the whale", Keys.ENTER)
        self.wait(lambda: self.find("send").is_enabled() and self.find("error").is_displayed())
        self.assertEqual(self.turns(), [])
        self.assertEqual(self.find("message").get_property("value"), "the whale")
        # The browser notes that the request was refused.
        self.browser.get_log("browser")
        self.write("max_tokens", "30")
        self.find("send").click()
        self.wait(lambda: self.find("send").is_enabled() and len(self.turns()) == 2)

    def test_a_conversation_with_a_tuned_model(self) -> None:
        # The other one says that it has learned from no dialogues.
        self.find("tab-chat").click()
        self.assertTrue(self.find("template").is_displayed())
        self.browser.get(f"http://127.0.0.1:{tuned_server().port}/")
        self.wait(lambda: tuned_server().name in self.text("about"))
        self.find("tab-chat").click()
        self.assertFalse(self.find("template").is_displayed())
        self.write("max_tokens", "400")
        self.write("seed", "3")
        self.find("message").send_keys("the größer", Keys.ENTER)
        self.wait(lambda: self.find("send").is_enabled() and len(self.turns()) == 2)
        body = {
            "model": tuned_server().name, "messages": [{"role": "user", "content": "the größer"}],
            "seed": 3, "temperature": 0.8, "top_p": 0.95, "max_tokens": 400,
        }  # fmt: skip
        choice = tuned_server().ask("/v1/chat/completions", body)["choices"][0]
        self.assertEqual(choice["finish_reason"], "stop")
        self.assertEqual(self.turns()[1].removesuffix(" ⏹"), choice["message"]["content"])

    def turns(self) -> list[str]:
        found = self.browser.find_elements(By.CSS_SELECTOR, "#turns .text")
        return [turn.get_property("textContent") for turn in found]

    def test_an_error_is_shown(self) -> None:
        self.write("temperature", "9")
        self.find("write").click()
        self.wait(lambda: "temperature" in self.text("error"))
        self.write("temperature", "0.8")
        # The browser's log of the failed request.
        self.assertIn("400", self.browser.get_log("browser")[0]["message"])
