"""A merchant with a browser: follows a link, fills in the forms on the way with what they hold already, and presses the
first button, which at a simulated platform approves. It stands in for a person; a partner has no such file."""

import http.cookiejar
import urllib.parse
import urllib.request
from html.parser import HTMLParser


class Page(HTMLParser):
    """The form of a page, and where the page leads by itself."""

    def __init__(self, text):
        super().__init__()
        self.action, self.fields, self.leads_to = None, {}, None
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        if tag == "form" and given.get("method") == "post" and self.action is None:
            self.action = given.get("action", "")
        elif tag in ("input", "button") and "name" in given and self.action is not None:
            self.fields.setdefault(given["name"], given.get("value", ""))
        elif tag == "meta" and given.get("http-equiv") == "refresh":
            self.leads_to = given["content"].partition("url=")[2]


def follow(url, back):
    """From a link to the page of the partner's whose address begins with `back`. Answers that page's address."""
    cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    browser, form = urllib.request.build_opener(cookies), None
    for _ in range(12):
        with browser.open(url, form) as answer:
            url, page = answer.geturl(), Page(answer.read().decode())
        if url.startswith(back):
            return url
        if page.leads_to:
            url, form = urllib.parse.urljoin(url, page.leads_to), None
        else:
            url, form = urllib.parse.urljoin(url, page.action), urllib.parse.urlencode(page.fields).encode()
    raise AssertionError(f"the way does not end: {url}")
