"""Every length and count Meta sets for templates: one table.

Source: Meta, "Template components", "Manage templates", "Coupon code", "Limited-time offer", "Media card carousel" and
"Authentication" templates, checked 2026-11. Where two pages differ the smaller figure stands.
"""

import re

# ---- of a whole template
NAME = 512
NAME_PATTERN = re.compile(r"[a-z0-9_]+", re.ASCII)
LANGUAGE = re.compile(r"[a-z]{2,3}(_[A-Z]{2,3}|_[A-Z][a-z]{3}(_[A-Z]{2})?)?", re.ASCII)
CATEGORIES = ("marketing", "utility", "authentication")
TTL = {"authentication": (30, 900), "utility": (30, 43_200), "marketing": (43_200, 2_592_000)}  # seconds; -1 = 30 days

# ---- texts, in characters
HEADER = 60
BODY = 1024
FOOTER = 60
CARD_BODY = 160  # with 2 line breaks at most
CARD_BREAKS = 2
OFFER_BODY = 600
OFFER_TEXT = 16
LABEL = 25
URL = 2000
PHONE = 20
COUPON = 15  # the coupon page says 20, the limited-time offer page 15
CODE = 15  # a one-time password
PAYLOAD = 128  # of a quick reply; interactive messages allow 256
FILENAME = 240
FLOW_TOKEN = 200
SPACES = 4  # in a row

# ---- counts
HEADER_PARAMETERS = 1
URL_PARAMETERS = 1
BUTTONS = 10
CARDS = (2, 10)
CARD_BUTTONS = (1, 2)
MOST = {"QUICK_REPLY": 10, "URL": 2, "PHONE_NUMBER": 1, "COPY_CODE": 1, "FLOW": 1, "OTP": 1, "CATALOG": 1, "MPM": 1}
CODE_MINUTES = (1, 90)  # an authentication footer's code_expiration_minutes
WORDS_PER_PARAMETER = 2  # Meta refuses "too many for the length" (2388293): about 2x + 1 words for x placeholders


def length(text: str) -> int:
    """Characters as the strictest counter sees them: one outside the Basic Multilingual Plane (emoji) is two."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2
