"""Key files as cosign encrypts them. These were made with libsodium's secretbox, for keys of these tests alone."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given, settings
from hypothesis import strategies as st

from lading.proof.cosign_keys import opened_box
from lading.proof.key_files import PassphraseWrong, read_private
from lading.proof.signing_keys import KeyInvalid, PrivateKey

PASSPHRASE = "correct horse"
FILE = b"""\
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOiB7Im5hbWUiOiAic2NyeXB0IiwgInBhcmFtcyI6IHsiTiI6IDY1NTM2
LCAiciI6IDgsICJwIjogMX0sICJzYWx0IjogIkV3REJwVGI3bmFwQkNURzlOcUcx
M2lwZ1FXRWZLTkdTSUcwQ2l0OTZucHc9In0sICJjaXBoZXIiOiB7Im5hbWUiOiAi
bmFjbC9zZWNyZXRib3giLCAibm9uY2UiOiAiNzhHckdTZWhnME9nUGJtVlBYY0ZG
VWN0SWFnM015U20ifSwgImNpcGhlcnRleHQiOiAiSmhIU1hCKy9vZUJ1ZkNRR2xD
NEQ3NFNPQXRHWm5SYUtubmhUZlUwMkJYOThab08wWnhJa3hwZDF1OEdKS1lVUWdZ
alhJWDhadDlUR2VpV3labHQvK1VLb0g2NmI0VlJoVyt0cjlCUC9mcjFINTlFb3ds
N0ZoeW45TGdQOHdud0RxYzR0MC9EcnlYcFMrczBMSVdSM0tCeW0rQ0J5OENnMWRH
S1JBYVBHT1BJdFFjVkkyMUdndmc0cFRIWEN4OHY4OXR6Z1l1aWNDQVJQRmc9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
"""
BOXES = [
    (
        "9d30aacd69abc78ce5184067a4972443c803c7fb42e784327875f96d82ddcece",
        "753620ecce83811248571cfaecbe9f25075100d32e0b77a3",
        "06e7b3f73bb010e439b664cbf61378de",
        "",
    ),
    (
        "0425a92d62ea02a9e24cda1772ddd1f6e3c48827a8272b6f8e49e15b0eeae35c",
        "d2a14982885f51770ae9528b29bd5bc72cdff085d28abc47",
        "f3dac03f4dfe13f945597eec350ce44117",
        "5a",
    ),
    (
        "8347a29a2a3e42da67825e00958617f6e877f715d4df9f24e988736653dc88ab",
        "6fcbf2bc563b54b44f4900df1b0f8e3ad1b2cd04eb9a07fe",
        "574652c7784d7c8b8ea4fe5368a87f36bb6c8ed06f32918f8443c269c140af40f7e558b85e28b7dd4e42255a8820ef971c",
        "1afa2a420e405b6df894b72cf50dc8d423769584133e81c48797255af2adc64ba9",
    ),
    (
        "e1b3383dccda3ebbf197b70fdcf514106976bfb6306bee4ae0d3df09d181b1a5",
        "c8e3f9ec7a8e9e9ee6f98ae622a60ecfa0d48e0937daab2a",
        "37006edd1d38360aede9986acea2f406f3ae69bb04d3c9216e757fa26c88b9a37b77839b88f5353fd1c017efa44a6ae8"
        "cbb2d1d90d7b2f8ef23ccb472f0fdfbbe7286d9dc089969f59412927d0005fa0fee496c17693882e018049ff2cc87b1f"
        "f516815bc56fb1dd15952d88fef48cd4d71501e30946c2120f243e756ac99eaeca92711ad6d76df3cd03bde98b78f9f7"
        "df953ae8f98d39ded55a785326020de3f0ca7ab424d45d130a11cd96f583f0fb5d7b58f1b0981918fd6a1f4838616a13"
        "a31620bc8494aac9ab2c66f681086f919882662a7e6d5924",
        "0aab1c81f6c29da9a7121c1f8e314679e333b005d0f18b0ac3c97f5786deea9f157d925d2c4dd6dc3c2d9cca4b525c97"
        "6e7be044f96ecd6a2766bf8343c0d84515f19eb54adc807be02b73f0e872953d5b21e049ff7f59015a2371ed230eaa36"
        "76bb9d90e5af6e68153fde70e9d63113cbf07d2772fe03816590f515212ca79918b5671797c36b1f5233dbf2bfd288ea"
        "9ebc29ae94a85818e2654f5844cdda6df5de0447166a36959739229868d18dbcbfcef95078592bc1c3fd90cf9907703e"
        "c3eae01f2fdc4b86",
    ),
]
"""Key, nonce, box and what it holds, in hex."""


@pytest.mark.parametrize(("key", "nonce", "box", "content"), BOXES)
def test_boxes_that_libsodium_made_are_opened(key: str, nonce: str, box: str, content: str) -> None:
    given_box, given_nonce, given_key = bytes.fromhex(box), bytes.fromhex(nonce), bytes.fromhex(key)

    assert opened_box(given_box, given_nonce, given_key) == bytes.fromhex(content)
    assert opened_box(given_box, given_nonce, given_key[::-1]) is None


@settings(max_examples=30)
@given(place=st.integers(0, len(BOXES[3][2]) // 2 - 1), change=st.integers(1, 255))
def test_a_changed_byte_opens_nothing(place: int, change: int) -> None:
    key, nonce, box, _ = (bytes.fromhex(text) for text in BOXES[3])
    changed = box[:place] + bytes([box[place] ^ change]) + box[place + 1 :]

    assert opened_box(changed, nonce, key) is None


def test_the_file_opens_with_its_passphrase_alone() -> None:
    assert read_private(FILE, PASSPHRASE) == PrivateKey.of(ec.derive_private_key(4242, ec.SECP256R1()))
    with pytest.raises(PassphraseWrong, match="does not open"):
        read_private(FILE.replace(b"SIGSTORE", b"COSIGN"), "wrong")
    with pytest.raises(PassphraseWrong, match="needs its passphrase"):
        read_private(FILE, None)


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"kdf": None}, "kdf is missing"),
        ({"kdf": {"name": "argon2"}}, "name must be scrypt"),
        ({"kdf": {"name": "scrypt"}}, "params is missing"),
        ({"kdf": {"name": "scrypt", "params": {"N": 3, "r": 8, "p": 1}, "salt": "AAAA"}}, "is no parameter of scrypt"),
        ({"kdf": {"name": "scrypt", "params": {"N": 2, "r": 8, "p": 99}, "salt": "AAAA"}}, "is no parameter"),
        ({"kdf": {"name": "scrypt", "params": {"N": 1048576, "r": 8, "p": 1}, "salt": "AAAA"}}, "bytes of memory"),
        ({"cipher": {"name": "aes"}}, "name must be nacl/secretbox"),
        ({"cipher": {"name": "nacl/secretbox", "nonce": "AAAA"}}, "is too short"),
        ({"ciphertext": "AAAA"}, "is too short"),
        ({"ciphertext": "?"}, "is not base64"),
    ],
)
def test_a_file_that_breaks_its_form_is_refused(change: dict[str, Any], complaint: str) -> None:
    body = b"".join(FILE.splitlines()[1:-1])
    document = json.dumps({**json.loads(base64.b64decode(body)), **change}).encode()

    with pytest.raises(KeyInvalid, match=complaint):
        read_private(FILE.replace(b"\n".join(FILE.splitlines()[1:-1]), base64.b64encode(document)), PASSPHRASE)


@pytest.mark.parametrize("file", [FILE[:-40], FILE.replace(b"eyJ", b"e?J"), FILE.replace(b"eyJ", b"AAA")])
def test_a_file_that_was_cut_or_changed_is_refused(file: bytes) -> None:
    with pytest.raises(KeyInvalid):
        read_private(file, PASSPHRASE)
