#!/usr/bin/env python3
"""Decoding of 512x512 frames beside pydicom with pylibjpeg, in one run.

Usage: benches/decode.py FOLDER_OF_DICOM_FILES
Needs: pip install pydicom pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pylibjpeg-rle numpy

Both sides have the file in memory and take the best of many times. Two figures of pydicom stand
beside ours, which always makes real values in single precision:

  real values   the same work: `pixel_array`, then slope and intercept in place in float32 (left out
                where they are 1 and 0), or the modality table by `apply_modality_lut`
  pixel_array   less work: the stored values alone, which are a copy of the file's bytes where a
                frame is not compressed

A ratio above 1 means that ours is faster. Megabytes are of stored samples.
"""
import io
import json
import pathlib
import subprocess
import sys
import time

import numpy
import pydicom
from pydicom.pixels import apply_modality_lut

KINDS = {
    "1.2.840.10008.1.2": "raw",
    "1.2.840.10008.1.2.1": "raw",
    "1.2.840.10008.1.2.5": "RLE",
    "1.2.840.10008.1.2.4.57": "JPEG lossless",
    "1.2.840.10008.1.2.4.70": "JPEG lossless",
    "1.2.840.10008.1.2.4.80": "JPEG-LS",
    "1.2.840.10008.1.2.4.90": "JPEG 2000",
    "1.2.840.10008.1.2.4.91": "JPEG 2000 lossy",
}


def real(stored, data):
    """Values in float32, in the fastest way that numpy offers."""
    if "ModalityLUTSequence" in data:
        return apply_modality_lut(stored, data).astype(numpy.float32)
    slope = numpy.float32(data.get("RescaleSlope", 1))
    intercept = numpy.float32(data.get("RescaleIntercept", 0))
    array = stored.astype(numpy.float32)
    if slope != 1:
        array *= slope
    if intercept != 0:
        array += intercept
    return array


def theirs(path):
    whole = path.read_bytes()
    data = pydicom.dcmread(io.BytesIO(whole))
    best = float("inf")
    bare = float("inf")
    began = time.perf_counter()
    while time.perf_counter() - began < 0.8:
        # A changed identity makes pydicom decode again.
        data._pixel_array = None
        data._pixel_id = {}
        start = time.perf_counter()
        stored = data.pixel_array
        decoded = time.perf_counter() - start
        array = real(stored, data)
        best = min(best, time.perf_counter() - start)
        bare = min(bare, decoded)
    assert array.shape == stored.shape
    return stored.nbytes, best, bare


def main():
    files = []
    for path in sorted(pathlib.Path(sys.argv[1]).rglob("*")):
        if not path.is_file():
            continue
        try:
            head = pydicom.dcmread(path, stop_before_pixels=True)
            kind = KINDS.get(str(head.file_meta.TransferSyntaxUID))
            frames = int(head.get("NumberOfFrames", 1) or 1)
            if kind and head.Rows >= 512 and frames == 1 and head.SamplesPerPixel == 1:
                files.append((kind, path))
        except Exception:
            continue
    command = ["cargo", "bench", "--bench", "decode", "--"] + [str(path) for _, path in files]
    out = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    ours = {}
    for line in out.splitlines():
        if line.startswith("{"):
            row = json.loads(line)
            if "seconds" in row:
                ours[row["file"]] = row["seconds"]
    for kind, path in sorted(files):
        try:
            size, seconds, bare = theirs(path)
        except Exception as error:
            print(f"{kind:<16} {path.name:<24} pydicom cannot: {str(error)[:50]}")
            continue
        mine = ours.get(str(path))
        if mine is None:
            print(f"{kind:<16} {path.name:<24} ours cannot")
            continue
        print(
            f"{kind:<16} {path.name:<24} ours {size / mine / 1e6:6.0f} MB/s"
            f"   pydicom, real values {size / seconds / 1e6:6.0f} MB/s, ratio {seconds / mine:5.2f}"
            f"   pydicom, pixel_array {size / bare / 1e6:6.0f} MB/s, ratio {bare / mine:5.2f}"
        )


main()
