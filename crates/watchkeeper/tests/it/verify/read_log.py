"""Checks a published log without any code of Watchkeeper: C2SP tlog-tiles, signed-note, tlog-proof.

Usage: read_log.py FOLDER [PROOF LINE]. Prints the number of leaves, or what is wrong.
"""

import base64
import hashlib
import os
import struct
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def fail(what):
    print(f"wrong: {what}")
    sys.exit(1)


def leaf(data):
    return hashlib.sha256(b"\0" + data).digest()


def node(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


def root(hashes):
    if not hashes:
        return hashlib.sha256(b"").digest()
    if len(hashes) == 1:
        return hashes[0]
    half = 1
    while half * 2 < len(hashes):
        half *= 2
    return node(root(hashes[:half]), root(hashes[half:]))


def checkpoint(note, key):
    """The size and root of a note, if the key signed it."""
    name, key_id, encoded = key.strip().split("+", 2)
    public = base64.b64decode(encoded)
    expected = hashlib.sha256(name.encode() + b"\n" + public).digest()[:4]
    if public[0] != 1 or expected.hex() != key_id:
        fail("the key line")
    text, signatures = note.split("\n\n", 1)
    line = next((s for s in signatures.splitlines() if s.startswith(f"\u2014 {name} ")), None)
    if line is None:
        fail("the checkpoint has no signature of this key")
    signed = base64.b64decode(line.rsplit(" ", 1)[1])
    if signed[:4] != expected:
        fail("the signature is of another key")
    try:
        Ed25519PublicKey.from_public_bytes(public[1:]).verify(signed[4:], (text + "\n").encode())
    except InvalidSignature:
        fail("the signature of the checkpoint")
    origin, size, encoded_root = text.split("\n")[:3]
    if origin != name:
        fail("the origin")
    return int(size), base64.b64decode(encoded_root)


def path(level, number, taken):
    parts = [f"{number % 1000:03}"]
    while number >= 1000:
        number //= 1000
        parts.insert(0, f"x{number % 1000:03}")
    return f"tile/{level}/{'/'.join(parts)}" + ("" if taken == 256 else f".p/{taken}")


def read(folder, name):
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        fail(f"{name} is not there")


def check(folder, size, expected):
    lines = []
    for first in range(0, size, 256):
        taken = min(256, size - first)
        name = path("entries", first // 256, taken)
        bundle, at = read(folder, name), 0
        for _ in range(taken):
            (length,) = struct.unpack_from(">H", bundle, at)
            lines.append(bundle[at + 2 : at + 2 + length])
            at += 2 + length
        if at != len(bundle):
            fail(f"{name} is longer than its leaves")
    level, height = [leaf(line) for line in lines], 0
    everything = level
    while level:
        for first in range(0, len(level), 256):
            tile = level[first : first + 256]
            name = path(height, first // 256, len(tile))
            if read(folder, name) != b"".join(tile):
                fail(f"{name} is not over its leaves")
        level = [root(level[n : n + 256]) for n in range(0, len(level) - 255, 256)]
        height += 1
    if root(everything) != expected:
        fail("the root of the checkpoint is not over the leaves")
    return lines


def included(proof, line, key):
    """RFC 9162, 2.1.3.2."""
    head, note = proof.split("\n\n", 1)
    form, index, *hashes = head.split("\n")
    if form != "c2sp.org/tlog-proof@v1":
        fail("the form of the proof")
    size, expected = checkpoint(note, key)
    at, last = int(index.split(" ")[1]), size - 1
    if at > last:
        fail("the index of the proof")
    result = leaf(line)
    for side in map(base64.b64decode, hashes):
        if last == 0:
            fail("the proof is too long")
        if at & 1 or at == last:
            result = node(side, result)
            while not at & 1 and at:
                at, last = at >> 1, last >> 1
        else:
            result = node(result, side)
        at, last = at >> 1, last >> 1
    if last or result != expected:
        fail("the proof does not lead to the root")


def main():
    folder = sys.argv[1]
    key = read(folder, "key").decode()
    size, expected = checkpoint(read(folder, "checkpoint").decode(), key)
    lines = check(folder, size, expected)
    if len(sys.argv) > 2:
        line = sys.argv[3].encode()
        if line not in lines:
            fail("the leaf is not in the log")
        with open(sys.argv[2], encoding="utf-8") as file:
            included(file.read(), line, key)
    print(size)


main()
