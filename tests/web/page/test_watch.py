"""The watch over every page notices what it is for; otherwise all other tests here would prove less."""

from __future__ import annotations

import pytest

from tests.web.page.browser import Visitor, needs_the_page
from tests.web.page.page_node import eventually

pytestmark = needs_the_page

MISDEEDS = {
    "console error": "console.error('broken')",
    "page error": "setTimeout(() => { throw new Error('broken') })",
    "dialog": "setTimeout(() => alert('broken'))",
    "policy violated: script-src": "document.body.append(Object.assign(document.createElement('script'), {text: '1'}))",
    "policy violated: img-src": "new Image().src = 'http://127.0.0.2:9/'",
    "request to another server": "window.open('http://127.0.0.2:9/')",
}


def test_a_page_that_misbehaves_is_seen(browser, demo):
    visitor = Visitor(browser)
    page = visitor.open(demo.url)
    page.evaluate("trustedTypes.createPolicy('default', {createScript: text => text})")
    for misdeed in MISDEEDS.values():
        page.evaluate(misdeed)
    eventually(lambda: page.evaluate("window.violations.length") >= 2 and len(visitor.faults) >= 4)
    with pytest.raises(AssertionError):
        visitor.leave()
    for fault in MISDEEDS:
        assert any(seen.startswith(fault) for seen in visitor.faults), f"not seen: {fault}; seen: {visitor.faults}"
