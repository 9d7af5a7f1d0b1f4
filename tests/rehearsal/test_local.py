"""What providers without a cloud make is made by what it means, alike in every rehearsal."""

from __future__ import annotations

import base64
import hashlib
import zipfile
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_ssh_public_key

from rehearsal.local import answer, resource, secret_outputs
from rehearsal.problems import RequestError

URN = "urn:pulumi:dev::a::random:index/randomPassword:RandomPassword::password"


def made(type_: str, **inputs: Any) -> tuple[str, dict[str, Any]]:
    found = resource(type_, URN, inputs)
    assert found is not None
    return found


def test_a_password_is_of_the_characters_that_are_asked_for_and_secret() -> None:
    kind = "random:index/randomPassword:RandomPassword"
    _, outputs = made(kind, length=12, special=True, overrideSpecial="_", upper=False, minSpecial=2, minNumeric=3)

    text = outputs["result"]
    assert len(text) == 12
    assert text.count("_") >= 2
    assert sum(map(str.isdigit, text)) >= 3
    assert set(text) <= set("abcdefghijklmnopqrstuvwxyz0123456789_")
    assert (
        outputs == made(kind, length=12, special=True, overrideSpecial="_", upper=False, minSpecial=2, minNumeric=3)[1]
    )
    assert secret_outputs(kind) >= {"result", "bcryptHash"}
    with pytest.raises(RequestError, match="2 is less than the 3 characters"):
        made(kind, length=2, minLower=3)


def test_ids_and_numbers_agree_with_each_other() -> None:
    identifier, outputs = made("random:index/randomId:RandomId", byteLength=4, prefix="a-")
    drawn = bytes.fromhex(outputs["hex"].removeprefix("a-"))

    assert len(drawn) == 4
    assert outputs["dec"] == f"a-{int.from_bytes(drawn)}"
    assert identifier == base64.urlsafe_b64encode(drawn).decode().rstrip("=")
    assert 3 <= made("random:index/randomInteger:RandomInteger", min=3, max=5)[1]["result"] <= 5
    assert made("random:index/randomPet:RandomPet", length=3, separator="_")[0].count("_") == 2
    shuffled = made("random:index/randomShuffle:RandomShuffle", inputs=["a", "b", "c"], resultCount=2)[1]["results"]
    assert len(set(shuffled)) == 2
    assert resource("aws:s3/bucket:Bucket", URN, {}) is None


def test_keys_and_certificates_can_be_read() -> None:
    _, key = made("tls:index/privateKey:PrivateKey", algorithm="RSA")
    private = load_pem_private_key(key["privateKeyPem"].encode(), None)
    public = load_ssh_public_key(key["publicKeyOpenssh"].encode())
    assert private.public_key() == public
    _, signed = made(
        "tls:index/selfSignedCert:SelfSignedCert", subject={"commonName": "a.example"}, validityPeriodHours=12
    )
    read = x509.load_pem_x509_certificate(signed["certPem"].encode())
    assert (read.not_valid_after_utc - read.not_valid_before_utc).total_seconds() == 12 * 3600
    with pytest.raises(RequestError, match="none of RSA, ECDSA, ED25519"):
        made("tls:index/privateKey:PrivateKey", algorithm="rsa")


@pytest.mark.parametrize(
    ("function", "args", "result"),
    [
        ("cidrsubnet", {"input": "10.0.0.0/16", "newbits": 8, "netnum": 3}, "10.0.3.0/24"),
        ("jsonencode", {"input": {"a": [1]}}, '{"a":[1]}'),
        ("split", {"separator": ",", "text": "a,b"}, ["a", "b"]),
        ("base64encode", {"input": "hello"}, "aGVsbG8="),
        ("element", {"input": ["a", "b"], "index": 3}, "b"),
    ],
)
def test_a_function_of_std_gives_what_it_means(function: str, args: dict[str, Any], result: Any) -> None:
    assert answer(f"std:index:{function}", args) == {"result": result}


def test_a_function_that_nobody_here_knows_is_left_to_the_caller() -> None:
    assert answer("std:index:bcrypt", {"input": "a"}) is None


def test_an_archive_is_written_with_its_hashes(tmp_path: Path) -> None:
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "a.py").write_text("a")
    target = tmp_path / "out" / "code.zip"
    args = {"type": "zip", "sourceDir": str(tmp_path / "code"), "outputPath": str(target)}

    found = answer("archive:index/getFile:getFile", args)
    assert found is not None
    assert zipfile.ZipFile(target).namelist() == ["a.py"]
    assert found["outputSha256"] == hashlib.sha256(target.read_bytes()).hexdigest()
