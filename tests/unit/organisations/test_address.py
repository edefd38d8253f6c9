"""The address type: reads every spelling of an address as one, and lets none of it out."""

import copy
import hashlib
import ipaddress
import json
import logging
import pickle
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import msgspec
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firmly.organisations.address import Address, AddressDroppedError

KEY = b"k" * 32
V4 = st.integers(0, 2**32 - 1).map(ipaddress.IPv4Address)
V6 = st.one_of(
    st.integers(0, 2**128 - 1),
    st.lists(st.sampled_from([0, 0, 1, 0xDB8, 0xFFFF]), min_size=8, max_size=8).map(
        lambda groups: sum(group << 16 * place for place, group in enumerate(groups))
    ),
).map(ipaddress.IPv6Address)


def spellings(address: ipaddress.IPv6Address) -> set[str]:
    groups = address.exploded.split(":")
    low = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    plain = {address.compressed, address.exploded, ":".join(format(int(group, 16), "x") for group in groups)}
    plain.add(":".join(groups[:6]) + f":{low}")
    return plain | {text.upper() for text in plain}


@given(V4)
def test_ipv4_address_and_its_mapped_spellings_are_one(address: ipaddress.IPv4Address) -> None:
    mapped = ipaddress.IPv6Address(b"\0" * 10 + b"\xff\xff" + address.packed)
    for text in {str(address), f"::ffff:{address}", f"0:0:0:0:0:FFFF:{address}", *spellings(mapped)}:
        assert Address.parse(text).packed() == address.packed


@given(V6)
def test_every_spelling_of_an_ipv6_address_is_one(address: ipaddress.IPv6Address) -> None:
    expected = address.ipv4_mapped.packed if address.ipv4_mapped else address.packed
    assert {Address.parse(text).packed() for text in spellings(address)} == {expected}


REFUSED = [
    "",
    " ",
    "1.2.3",
    "1.2.3.4.5",
    "1.2.3.256",
    "01.2.3.4",
    "0x1.2.3.4",
    "16909060",
    "1.2.3.4 ",
    " 1.2.3.4",
    "1.2.3.4:80",
    "1.2.3.4/32",
    "1.2.3.4\0",
    "1.2.3.4\n",
    "١.2.3.4",
    "[2001:db8::1]",
    "2001:db8::1%eth0",
    "2001:db8:::1",
    "2001:db8::1::",
    "2001:db8::10000",
    "2001:db8::1/64",
    "::ffff:1.2.3.04",
    "\udcff::1",
    "unknown",
    "_hidden",
    "localhost",
]


@pytest.mark.parametrize("text", REFUSED, ids=repr)
def test_other_forms_are_refused_without_an_error(text: str) -> None:
    address = Address.parse(text)
    assert (address.is_refused, address.packed()) == (True, b"")


@given(st.text() | st.text("0123456789abcdefABCDEF:.%[]x \0\n/"))
def test_any_text_is_refused_or_what_the_standard_library_reads(text: str) -> None:
    packed = Address.parse(text).packed()
    if packed:
        read = ipaddress.ip_address(text)
        mapped = read.ipv4_mapped if isinstance(read, ipaddress.IPv6Address) else None
        assert packed == (mapped or read).packed


@dataclass
class Holder:
    address: Address


def deep(address: Address) -> object:
    return copy.deepcopy({"nested": [address]})


def default_of(encode: Callable[[Any], object]) -> Callable[[Address], object]:
    return lambda address: encode({"address": address})


def pickled(protocol: int) -> Callable[[Address], object]:
    return lambda address: pickle.dumps(address, protocol)


WAYS_OUT: dict[str, Callable[[Address], object]] = {
    "str": str,
    "format": format,
    "f-string": lambda address: f"{address}",
    "f-string with width": lambda address: f"{address:>20}",
    "str.format": "{}".format,
    "percent": lambda address: "%s" % address,  # noqa: UP031
    "join": lambda address: "".join([address]),  # type: ignore[list-item]
    "print": print,
    "json": default_of(json.dumps),
    "json key": lambda address: json.dumps({address: 1}),
    "orjson": default_of(orjson.dumps),
    "orjson dataclass": lambda address: orjson.dumps(Holder(address)),
    "msgspec json": default_of(msgspec.json.encode),
    "msgspec msgpack": default_of(msgspec.msgpack.encode),
    "msgspec builtins": default_of(msgspec.to_builtins),
    "msgspec dataclass": lambda address: msgspec.json.encode(Holder(address)),
    **{f"pickle {protocol}": pickled(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
    "deepcopy nested": deep,
    "asdict": lambda address: asdict(Holder(address)),
    "hash": hash,
    "set": lambda address: {address},
    "dict key": lambda address: {address: 1},
    "equal": lambda address: address == Address.parse("8.8.8.8"),
    "not equal": lambda address: address != "8.8.8.8",
    "sorted": lambda address: sorted([address, Address.parse("8.8.8.8")]),  # type: ignore[type-var]
    "bytes": lambda address: bytes(address),  # type: ignore[call-overload]  # noqa: PLW0108
    "int": lambda address: int(address),  # type: ignore[call-overload]  # noqa: PLW0108
    "iteration": lambda address: list(address),  # type: ignore[call-overload]  # noqa: PLW0108
    "vars": vars,
    "weak attribute": lambda address: setattr(address, "note", 1),
}


@pytest.mark.parametrize("way", WAYS_OUT.values(), ids=WAYS_OUT.keys())
@pytest.mark.parametrize("text", ["203.0.113.77", "2001:db8:77::77"])
def test_no_ordinary_way_leads_out_and_no_error_tells(
    text: str, way: Callable[[Address], object], capfd: pytest.CaptureFixture[str]
) -> None:
    address = Address.parse(text)
    with pytest.raises((TypeError, AttributeError)) as failure:
        way(address)
    printed = capfd.readouterr()
    for told in (str(failure.value), repr(failure.value), printed.out, printed.err):
        assert "77" not in told


@pytest.mark.parametrize("text", ["203.0.113.77", "2001:db8:77::77", "garbage-77"])
def test_what_is_shown_of_an_address_is_the_same_for_all(text: str) -> None:
    address = Address.parse(text)
    assert {repr(address), f"{address!r}", "%r" % address, repr([address])[1:-1], ascii(address)} == {  # noqa: UP031
        "<Address>"
    }


def test_logging_an_address_by_mistake_tells_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    logger = logging.Logger("careless")  # noqa: LOG001  # One that no other test sees.
    logger.addHandler(logging.StreamHandler())
    address = Address.parse("203.0.113.77")
    logger.error("from %s", address)
    assert "203.0" not in capfd.readouterr().err


def test_dropped_address_is_gone() -> None:
    address = Address.parse("203.0.113.77")
    address.drop()
    address.drop()
    asked: list[Callable[[], object]] = [
        address.packed,
        lambda: address.is_refused,
        lambda: address.keyed(KEY, b"a"),
        lambda: address.source_keyed(hashlib.blake2b(key=KEY)),
    ]
    for ask in asked:
        with pytest.raises(AddressDroppedError, match="already dropped"):
            ask()
    assert address._packed is None


def test_keyed_values_differ_by_key_purpose_context_and_address() -> None:
    address, other = Address.parse("203.0.113.77"), Address.parse("203.0.113.78")
    values = {
        address.keyed(KEY, b"a"),
        address.keyed(b"l" * 32, b"a"),
        address.keyed(KEY, b"b"),
        address.keyed(KEY, b"a", b"context"),
        other.keyed(KEY, b"a"),
    }
    assert len(values) == 5
    assert address.keyed(KEY, b"a") == Address.parse("::ffff:203.0.113.77").keyed(KEY, b"a")


def test_source_key_is_one_per_ipv4_address_and_one_per_ipv6_subscriber() -> None:
    keyed = hashlib.blake2b(digest_size=16, key=KEY, person=b"rate")

    def key(text: str) -> bytes:
        return Address.parse(text).source_keyed(keyed)

    assert key("192.0.2.1") == hashlib.blake2b(b"\xc0\x00\x02\x01", digest_size=16, key=KEY, person=b"rate").digest()
    assert key("2001:db8:0:1::1") == key("2001:db8:0:1:ffff::9") != key("2001:db8:0:2::1")
    assert key("192.0.2.1") != key("192.0.2.2")
