"""From names on the wire to C identifiers."""
import re

# Words of C17 with GNU extensions, and macros that gcc predefines.
RESERVED = set(
    """auto break case char const continue default do double else enum extern float for goto if inline
    int long register restrict return short signed sizeof static struct switch typedef union unsigned
    void volatile while asm typeof bool true false errno unix linux i386 assert stdin stdout stderr
    """.split()
)


def snake(name):
    """countryIsoCode3 -> country_iso_code3, total-amount -> total_amount, KYBStatus -> kyb_status."""
    text = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    text = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", text)
    text = re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_").lower()
    if not text:
        text = "value"
    if text[0].isdigit():
        text = "n" + text
    return text


def member(name, taken):
    """A member identifier for `name` that is not in `taken` (which it joins)."""
    base = snake(name)
    if base in RESERVED:
        base += "_"
    candidate, number = base, 2
    while candidate in taken:
        candidate, number = f"{base}_{number}", number + 1
    taken.add(candidate)
    return candidate


def c_string(text):
    escaped = []
    for byte in text.encode("utf-8"):
        char = chr(byte)
        if char in '"\\':
            escaped.append("\\" + char)
        elif char == "?" or byte < 32 or byte > 126:
            escaped.append(f"\\{byte:03o}")
        else:
            escaped.append(char)
    return '"' + "".join(escaped) + '"'
