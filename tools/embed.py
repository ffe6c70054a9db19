#!/usr/bin/env python3
"""Turns files into a C table: embed.py [--gzip] OUT.c SYMBOL FILE...

Emits `const struct embedded_file SYMBOL[]` (base/embed.h), sorted by file name and closed by a row
whose name is NULL. With --gzip the bytes are compressed and served as they are; names stay.
"""
import gzip
import os
import sys


def c_bytes(data):
    return ",".join(str(byte) for byte in data) or "0"


def main():
    arguments = sys.argv[1:]
    compress = arguments[0] == "--gzip"
    out, symbol, *paths = arguments[compress:]
    rows, blobs = [], []
    for index, path in enumerate(sorted(paths, key=os.path.basename)):
        with open(path, "rb") as file:
            data = file.read()
        if compress:
            data = gzip.compress(data, 9, mtime=0)
        blobs.append(f"static const unsigned char file_{index}[] = {{{c_bytes(data)}}};")
        rows.append(f'    {{"{os.path.basename(path)}", file_{index}, {len(data)}}},')
    with open(out, "w", encoding="utf-8") as file:
        file.write('#include "base/embed.h"\n\n')
        file.write("\n".join(blobs))
        file.write(f"\nconst struct embedded_file {symbol}[] = {{\n")
        file.write("\n".join(rows))
        file.write("\n    {0, 0, 0},\n};\n")


if __name__ == "__main__":
    main()
