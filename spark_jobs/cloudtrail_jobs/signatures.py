"""RSASSA-PKCS1-v1_5 with SHA-256, verification only: with this CloudTrail signs its digests. Pure Python.

Verification needs one modular power and a comparison, and no secret. So the wheel needs no dependency that a
cluster may lack. Source: RFC 8017, 8.2.2 (verification), 9.2 (encoding), A.1.1 (RSAPublicKey).
"""

import hashlib

# DER of the algorithm's name and of the length of its hash. Source: RFC 8017, 9.2, note 1.
_SHA256 = bytes.fromhex("3031300d060960864801650304020105000420")
_INTEGER = 0x02
_SEQUENCE = 0x30


def is_signed(text: bytes, signature: str, public_key: bytes) -> bool:
    """Return whether the owner of a key made this signature for this text.

    Args:
        text: what was signed.
        signature: hexadecimal.
        public_key: an RSAPublicKey (PKCS #1, DER), as `ListPublicKeys` answers.
    """
    try:
        modulus, exponent = read_public_key(public_key)
        made = bytes.fromhex(signature)
    except ValueError:
        return False
    length = (modulus.bit_length() + 7) // 8
    encoded = _SHA256 + hashlib.sha256(text).digest()
    padding = length - len(encoded) - 3
    number = int.from_bytes(made, "big")
    if padding < 8 or len(made) != length or number >= modulus:
        return False
    # The whole message is compared: a signature is not parsed, so nothing can hide in its padding.
    expected = b"\x00\x01" + b"\xff" * padding + b"\x00" + encoded
    return pow(number, exponent, modulus).to_bytes(length, "big") == expected


def read_public_key(der: bytes) -> tuple[int, int]:
    """Return the modulus and the exponent of an RSAPublicKey.

    Raises:
        ValueError: if it is anything else.
    """
    content, rest = _value(der, _SEQUENCE)
    modulus, more = _value(content, _INTEGER)
    exponent, end = _value(more, _INTEGER)
    numbers = int.from_bytes(modulus, "big"), int.from_bytes(exponent, "big")
    if rest or end or min(numbers) < 3:
        raise ValueError("not an RSA public key")
    return numbers


def _value(der: bytes, tag: int) -> tuple[bytes, bytes]:
    """Return the value of the first element of `der`, which has this tag, and what follows it."""
    if len(der) < 2 or der[0] != tag:
        raise ValueError(f"not DER with the tag {tag}")
    size, begin = der[1], 2
    if size >= 0x80:
        begin += size & 0x7F
        size = int.from_bytes(der[2:begin], "big")
    if size == 0 or begin + size > len(der):
        raise ValueError("the DER is cut off")
    return der[begin : begin + size], der[begin + size :]
