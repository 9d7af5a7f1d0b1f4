"""What providers without a cloud make, by what they mean: random values, keys and certificates, archives, functions.

`random` and `tls` make their values from the URN alone, so that two rehearsals of a program are alike.
https://www.pulumi.com/registry/packages/random/, …/tls/, …/std/, …/archive/
"""

from __future__ import annotations

import base64
import datetime
import gzip
import hashlib
import ipaddress
import json
import os
import random
import re
import string
import urllib.parse
import uuid
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from rehearsal.problems import RequestError

Inputs = Mapping[str, Any]
Made = dict[str, Any]

_SPECIAL: Final = "!@#$%&*()-_=+[]{}<>:?"
_ADJECTIVES: Final = ("brave", "calm", "eager", "fair", "glad", "keen", "lively", "neat", "quick", "wise")
_ANIMALS: Final = ("badger", "crane", "dolphin", "falcon", "heron", "lynx", "marten", "otter", "swift", "wren")
_CLASSES: Final = {
    "lower": string.ascii_lowercase,
    "upper": string.ascii_uppercase,
    "numeric": string.digits,
    "special": _SPECIAL,
}


def resource(type_: str, urn: str, inputs: Inputs) -> tuple[str, Made] | None:
    """The id and the outputs of a resource of these providers; None for any other."""
    make = _RESOURCES.get(type_)
    if make is None:
        return None
    seeded = random.Random(urn)  # noqa: S311 nothing is protected by it
    return make(seeded, inputs)


def answer(token: str, args: Inputs) -> Made | None:
    """The answer of a function of these providers; None for any other, and for one that nobody here knows."""
    package, _, name = token.split(":", 2)
    if package == "std":
        function = _STD.get(name)
        return {"result": function(args)} if function is not None else None
    return _archive(args) if (package, name) == ("archive", "getFile") else None


def _text(seeded: random.Random, inputs: Inputs) -> str:
    length = int(inputs["length"])
    wanted = {name: inputs.get(name, True) is not False for name in _CLASSES} | {
        "numeric": inputs.get("numeric", inputs.get("number", True)) is not False
    }
    alphabets = {**_CLASSES, "special": inputs.get("overrideSpecial") or _SPECIAL}
    least = {name: int(inputs.get(f"min{name[:1].upper()}{name[1:]}", 0)) for name in _CLASSES}
    if sum(least.values()) > length or length < 1:
        raise RequestError(
            f"length: {length} is less than the {sum(least.values()) or 1} characters that are asked for",
            "raise length, or lower minLower, minUpper, minNumeric and minSpecial",
        )
    alphabet = "".join(alphabets[name] for name, given in wanted.items() if given)
    if not alphabet:
        raise RequestError("no kind of character is allowed", "leave one of lower, upper, numeric and special on")
    drawn = [seeded.choice(alphabets[name]) for name, count in least.items() for _ in range(count)]
    drawn += [seeded.choice(alphabet) for _ in range(length - len(drawn))]
    seeded.shuffle(drawn)
    return "".join(drawn)


def _string(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    made = _text(seeded, inputs)
    return made, {"result": made}


def _password(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    made = _text(seeded, inputs)
    # The provider keeps a hash of it beside, which is different every time in reality.
    return "none", {"result": made, "bcryptHash": f"$2a$10${hashlib.sha256(made.encode()).hexdigest()[:53]}"}


def _id(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    drawn = seeded.randbytes(int(inputs["byteLength"]))
    prefix = inputs.get("prefix", "")
    url = base64.urlsafe_b64encode(drawn).decode().rstrip("=")
    return url, {
        "hex": prefix + drawn.hex(),
        "dec": f"{prefix}{int.from_bytes(drawn)}",
        "b64Std": prefix + base64.b64encode(drawn).decode(),
        "b64Url": prefix + url,
    }


def _pet(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    separator, length = inputs.get("separator", "-"), int(inputs.get("length", 2))
    words = [*(seeded.choice(_ADJECTIVES) for _ in range(length - 1)), seeded.choice(_ANIMALS)]
    made = separator.join([*([inputs["prefix"]] if inputs.get("prefix") else []), *words])
    return made, {"separator": separator, "length": length}


def _integer(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    low, high = int(inputs["min"]), int(inputs["max"])
    if low > high:
        raise RequestError(f"min: {low} is above max, {high}")
    made = seeded.randint(low, high)
    return str(made), {"result": made}


def _uuid(seeded: random.Random, _inputs: Inputs) -> tuple[str, Made]:
    made = str(uuid.UUID(bytes=seeded.randbytes(16), version=4))
    return made, {"result": made}


def _bytes(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    drawn = seeded.randbytes(int(inputs["length"]))
    encoded = base64.b64encode(drawn).decode()
    return encoded, {"base64": encoded, "hex": drawn.hex()}


def _shuffle(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    given = list(inputs.get("inputs", []))
    count = int(inputs.get("resultCount", len(given)))
    results: list[Any] = []
    while given and len(results) < count:
        results += seeded.sample(given, len(given))
    return "-", {"results": results[:count]}


def _private_key(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    """An elliptic key in every case: drawing an RSA key takes a second, and nobody deciphers anything with it here."""
    from cryptography.hazmat.primitives import serialization as form  # noqa: PLC0415 few programs need it
    from cryptography.hazmat.primitives.asymmetric import ec, ed25519  # noqa: PLC0415

    algorithm = inputs.get("algorithm")
    if algorithm not in ("RSA", "ECDSA", "ED25519"):
        raise RequestError(f"algorithm: {algorithm!r} is none of RSA, ECDSA, ED25519")
    if algorithm == "ED25519":
        key: Any = ed25519.Ed25519PrivateKey.from_private_bytes(seeded.randbytes(32))
    else:
        key = ec.derive_private_key(int.from_bytes(seeded.randbytes(24)) + 1, ec.SECP256R1())
    public = key.public_key()
    pkcs8 = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.PKCS8, form.NoEncryption()).decode()
    openssh = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption()).decode()
    words = public.public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH)
    blob = base64.b64decode(words.split()[1])
    md5 = hashlib.md5(blob).hexdigest()  # noqa: S324 the form of a fingerprint
    sha = base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")
    made = {
        "privateKeyPem": pkcs8,
        "privateKeyPemPkcs8": pkcs8,
        "privateKeyOpenssh": openssh,
        "publicKeyPem": public.public_bytes(form.Encoding.PEM, form.PublicFormat.SubjectPublicKeyInfo).decode(),
        "publicKeyOpenssh": words.decode() + "\n",
        "publicKeyFingerprintMd5": ":".join(re.findall("..", md5)),
        "publicKeyFingerprintSha256": f"SHA256:{sha}",
    }
    return hashlib.sha256(blob).hexdigest()[:40], made


def _certificate(seeded: random.Random, inputs: Inputs) -> tuple[str, Made]:
    """Signed by a key of its own, whoever is said to sign it: what reads it here looks at its form."""
    from cryptography import x509  # noqa: PLC0415 as above
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric import ec  # noqa: PLC0415
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key = ec.derive_private_key(int.from_bytes(seeded.randbytes(24)) + 1, ec.SECP256R1())
    begin = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    end = begin + datetime.timedelta(hours=float(inputs["validityPeriodHours"]))
    called = (inputs.get("subject") or {}).get("commonName", "rehearsal")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, called)])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(seeded.getrandbits(64) + 1)
        .not_valid_before(begin)
        .not_valid_after(end)
        .sign(key, hashes.SHA256())
    )
    return str(made.serial_number), {
        "certPem": made.public_bytes(serialization.Encoding.PEM).decode(),
        "keyAlgorithm": "ECDSA",
        "readyForRenewal": False,
        "validityStartTime": begin.isoformat(),
        "validityEndTime": end.isoformat(),
    }


_RESOURCES: Final[dict[str, Callable[[random.Random, Inputs], tuple[str, Made]]]] = {
    "random:index/randomBytes:RandomBytes": _bytes,
    "random:index/randomId:RandomId": _id,
    "random:index/randomInteger:RandomInteger": _integer,
    "random:index/randomPassword:RandomPassword": _password,
    "random:index/randomPet:RandomPet": _pet,
    "random:index/randomShuffle:RandomShuffle": _shuffle,
    "random:index/randomString:RandomString": _string,
    "random:index/randomUuid:RandomUuid": _uuid,
    "random:index/randomUuid4:RandomUuid4": _uuid,
    "random:index/randomUuid7:RandomUuid7": _uuid,
    "tls:index/privateKey:PrivateKey": _private_key,
    "tls:index/selfSignedCert:SelfSignedCert": _certificate,
    "tls:index/locallySignedCert:LocallySignedCert": _certificate,
}

SECRET_OUTPUTS: Final = frozenset(
    {"result", "bcryptHash", "privateKeyPem", "privateKeyPemPkcs8", "privateKeyOpenssh", "base64", "hex"}
)
"""What these providers mark as secret, of passwords, bytes and keys."""


def secret_outputs(type_: str) -> frozenset[str]:
    """The outputs of this type that the provider marks as secret."""
    kinds = ("RandomPassword", "RandomBytes", "PrivateKey")
    return SECRET_OUTPUTS if type_.rpartition(":")[2] in kinds else frozenset()


def _archive(args: Inputs) -> Made:
    """Written where the program says, as the provider does: what takes its path reads it."""
    target = Path(args["outputPath"])
    sources: list[tuple[str, bytes]] = []
    if "sourceFile" in args:
        sources = [(Path(args["sourceFile"]).name, Path(args["sourceFile"]).read_bytes())]
    elif "sourceDir" in args:
        folder = Path(args["sourceDir"])
        sources = [
            (str(one.relative_to(folder)), one.read_bytes()) for one in sorted(folder.rglob("*")) if one.is_file()
        ]
    elif "sourceContent" in args:
        sources = [(args["sourceContentFilename"], args["sourceContent"].encode())]
    sources += [(one["filename"], one["content"].encode()) for one in args.get("sources", [])]
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, content in sources:
            packed.writestr(zipfile.ZipInfo(name), content)
    written = target.read_bytes()
    sha256, sha512 = hashlib.sha256(written), hashlib.sha512(written)
    return {
        **args,
        "id": hashlib.sha1(written).hexdigest(),  # noqa: S324 the provider's id
        "outputSize": len(written),
        "outputMd5": hashlib.md5(written).hexdigest(),  # noqa: S324 as above
        "outputSha": hashlib.sha1(written).hexdigest(),  # noqa: S324 as above
        "outputSha256": sha256.hexdigest(),
        "outputSha512": sha512.hexdigest(),
        "outputBase64sha256": base64.b64encode(sha256.digest()).decode(),
        "outputBase64sha512": base64.b64encode(sha512.digest()).decode(),
    }


def _b64(value: bytes) -> str:
    return base64.b64encode(value).decode()


def _subnet(args: Inputs) -> str:
    """`cidrsubnet(prefix, newbits, netnum)`."""
    network = ipaddress.ip_network(args["input"])
    size = network.prefixlen + int(args["newbits"])
    subnets = 1 << int(args["newbits"])
    if size > network.max_prefixlen or not 0 <= int(args["netnum"]) < subnets:
        raise RequestError(f"std.cidrsubnet: {network} has no subnet {args['netnum']} of /{size}")
    step = 1 << (network.max_prefixlen - size)
    return f"{network.network_address + int(args['netnum']) * step}/{size}"


_STD: Final[dict[str, Callable[[Inputs], Any]]] = {
    "abspath": lambda args: str(Path(args["input"]).absolute()),
    "base64decode": lambda args: base64.b64decode(args["input"]).decode(),
    "base64encode": lambda args: _b64(args["input"].encode()),
    "base64gzip": lambda args: _b64(gzip.compress(args["input"].encode(), mtime=0)),
    "base64sha256": lambda args: _b64(hashlib.sha256(args["input"].encode()).digest()),
    "base64sha512": lambda args: _b64(hashlib.sha512(args["input"].encode()).digest()),
    "basename": lambda args: Path(args["input"]).name,
    "chomp": lambda args: args["input"].rstrip("\r\n"),
    "cidrhost": lambda args: str(ipaddress.ip_network(args["input"])[int(args["host"])]),
    "cidrnetmask": lambda args: str(ipaddress.ip_network(args["input"]).netmask),
    "cidrsubnet": _subnet,
    "compact": lambda args: [one for one in args["input"] if one],
    "concat": lambda args: [one for part in args["input"] for one in part],
    "contains": lambda args: args["element"] in args["input"],
    "dirname": lambda args: str(Path(args["input"]).parent),
    "distinct": lambda args: list(dict.fromkeys(args["input"])),
    "element": lambda args: args["input"][int(args["index"]) % len(args["input"])],
    "endswith": lambda args: args["input"].endswith(args["suffix"]),
    "file": lambda args: Path(args["input"]).read_text(encoding="utf-8"),
    "filebase64": lambda args: _b64(Path(args["input"]).read_bytes()),
    "filebase64sha256": lambda args: _b64(hashlib.sha256(Path(args["input"]).read_bytes()).digest()),
    "filebase64sha512": lambda args: _b64(hashlib.sha512(Path(args["input"]).read_bytes()).digest()),
    "fileexists": lambda args: Path(args["input"]).is_file(),
    "filemd5": lambda args: hashlib.md5(Path(args["input"]).read_bytes()).hexdigest(),  # noqa: S324 asked for
    "filesha1": lambda args: hashlib.sha1(Path(args["input"]).read_bytes()).hexdigest(),  # noqa: S324 asked for
    "filesha256": lambda args: hashlib.sha256(Path(args["input"]).read_bytes()).hexdigest(),
    "filesha512": lambda args: hashlib.sha512(Path(args["input"]).read_bytes()).hexdigest(),
    "join": lambda args: args["separator"].join(args["input"]),
    "jsondecode": lambda args: json.loads(args["input"]),
    "jsonencode": lambda args: json.dumps(args["input"], separators=(",", ":"), sort_keys=True),
    "keys": lambda args: sorted(args["input"]),
    "length": lambda args: len(args["input"]),
    "lower": lambda args: args["input"].lower(),
    "max": lambda args: max(args["input"]),
    "md5": lambda args: hashlib.md5(args["input"].encode()).hexdigest(),  # noqa: S324 asked for
    "merge": lambda args: {key: value for one in args["input"] for key, value in one.items()},
    "min": lambda args: min(args["input"]),
    "pathexpand": lambda args: os.path.expanduser(args["input"]),  # noqa: PTH111 also of a text that is no path
    "range": lambda args: list(range(int(args.get("start", 0)), int(args["limit"]), int(args.get("step", 1)))),
    "replace": lambda args: args["text"].replace(args["search"], args["replace"]),
    "reverse": lambda args: args["input"][::-1],
    "sha1": lambda args: hashlib.sha1(args["input"].encode()).hexdigest(),  # noqa: S324 asked for
    "sha256": lambda args: hashlib.sha256(args["input"].encode()).hexdigest(),
    "sha512": lambda args: hashlib.sha512(args["input"].encode()).hexdigest(),
    "sort": lambda args: sorted(args["input"]),
    "split": lambda args: args["text"].split(args["separator"]),
    "startswith": lambda args: args["input"].startswith(args["prefix"]),
    "strrev": lambda args: args["input"][::-1],
    "title": lambda args: args["input"].title(),
    "trimprefix": lambda args: args["input"].removeprefix(args["prefix"]),
    "trimspace": lambda args: args["input"].strip(),
    "trimsuffix": lambda args: args["input"].removesuffix(args["suffix"]),
    "upper": lambda args: args["input"].upper(),
    "urlencode": lambda args: urllib.parse.quote_plus(args["input"]),
    "values": lambda args: [args["input"][key] for key in sorted(args["input"])],
}
"""By the function's name. Those that are not here give what is unknown to the caller."""
