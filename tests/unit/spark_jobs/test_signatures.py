"""RSA signatures, against those of another library."""

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cloudtrail_jobs.signatures import is_signed, read_public_key

TEXT = b"2026-11-22T10:01:31Z\nbucket/key\n00\nnull"


@pytest.fixture(scope="module")
def key():
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


@pytest.fixture(scope="module")
def public(key):
    return key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.PKCS1)


def test_a_signature_is_one_of_this_text_by_this_key_with_this_hash(key, public):
    made = key.sign(TEXT, padding.PKCS1v15(), hashes.SHA256())
    assert is_signed(TEXT, made.hex(), public)
    assert is_signed(TEXT, made.hex().upper(), public)
    assert not is_signed(TEXT + b" ", made.hex(), public)
    other = key.sign(TEXT, padding.PKCS1v15(), hashes.SHA512())
    assert not is_signed(TEXT, other.hex(), public)


def test_what_is_no_signature_is_none(key, public):
    made = key.sign(TEXT, padding.PKCS1v15(), hashes.SHA256())
    modulus, _ = read_public_key(public)
    larger = (int.from_bytes(made, "big") + modulus).to_bytes(257, "big")
    for wrong in ("", "zz", made.hex()[2:], made.hex() + "00", larger.hex(), "00" * 256, "ff" * 256):
        assert not is_signed(TEXT, wrong, public)


def test_what_is_no_public_key_signs_nothing(key, public):
    made = key.sign(TEXT, padding.PKCS1v15(), hashes.SHA256()).hex()
    whole = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    wrong = [b"", public[:-1], public + b"\0", whole, b"\x30\x06\x02\x01\x01\x02\x01\x01", b"\x30\x82"]
    assert not any(is_signed(TEXT, made, one) for one in wrong)
