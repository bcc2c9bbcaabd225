#!/usr/bin/env python3
"""Reference numbers of every DICOM and NIfTI test file, made with pydicom and nibabel.

Usage: scans.py DATA_FOLDER > scans.json
Needs: pip install pydicom pylibjpeg pylibjpeg-libjpeg pylibjpeg-openjpeg pyjpegls nibabel zstandard
(no pillow and no gdcm: pydicom would mix their JPEG decoders in).

Frames are counted from 0. A grid is 8 x 8 block means (rows and columns cut as numpy.array_split
does; a block of an image under 8 pixels can be empty: null). A crc32 is zlib.crc32 in hexadecimal,
of stored values as little-endian int32 (grey), of interleaved RGB bytes (colour) or of real values
as little-endian float32 (NIfTI).
"""

import io
import json
import logging
import pathlib
import sys
import warnings
import zlib

import libjpeg
import nibabel
import numpy
import pydicom
import zstandard
from pydicom.encaps import generate_frames
from pydicom.pixels import (apply_color_lut, apply_modality_lut, apply_voi_lut,
                            convert_color_space, get_decoder)

NOT_DICOM = {".zst", ".gz", ".json", ".txt", ".dump", ".icc", ".md", ".jpeg"}
LOSSLESS = {"J2KR", "JLSL", "JPLL", "RLE"}
GREY_ATTRIBUTES = ["PhotometricInterpretation", "BitsStored", "PixelRepresentation",
                   "ModalityLUTSequence"]
# Those that enhanced multi-frame objects keep in functional groups.
GREY_GROUPS = {
    "PixelValueTransformationSequence": ["RescaleSlope", "RescaleIntercept"],
    "FrameVOILUTSequence": ["WindowCenter", "WindowWidth", "VOILUTFunction", "VOILUTSequence"],
}


def short(error):
    # The last line: pydicom puts what the decoder plugin said below a general line.
    last = (str(error).strip() or "no message").splitlines()[-1].strip()
    return f"{type(error).__name__}: {last}"[:160]


def crc32(array, dtype):
    return f"{zlib.crc32(numpy.ascontiguousarray(array).astype(dtype).tobytes()):08x}"


def number(value, digits=4):
    """Rounded, whole numbers without a fraction; what JSON cannot say is null."""
    value = round(float(value), digits)
    if not numpy.isfinite(value):
        return None
    return int(value) if value == int(value) else value


def grid(picture):
    return [
        [number(block.mean()) if block.size else None for block in numpy.array_split(band, 8, 1)]
        for band in numpy.array_split(picture.astype("float64"), 8, 0)
    ]


def frame_attributes(ds, index):
    """A flat dataset of what turns the stored values of one frame into a picture."""
    flat = pydicom.Dataset()
    for keyword in [*GREY_ATTRIBUTES, *sum(GREY_GROUPS.values(), [])]:
        if keyword in ds and ds[keyword].value not in (None, ""):
            flat[keyword] = ds[keyword]
    shared = ds.get("SharedFunctionalGroupsSequence") or []
    per_frame = ds.get("PerFrameFunctionalGroupsSequence") or []
    for group in [*shared[:1], *per_frame[index:index + 1]]:
        for sequence, keywords in GREY_GROUPS.items():
            for item in group.get(sequence, [])[:1]:
                for keyword in filter(item.__contains__, keywords):
                    flat[keyword] = item[keyword]
    return flat


def shown(real, flat):
    """0..255 after the VOI step, white high."""
    if flat.get("VOILUTSequence"):
        # The bits the LUT says it has, not the largest entry it holds.
        low, high = 0, 2 ** flat.VOILUTSequence[0].LUTDescriptor[2] - 1
    else:
        # Values far outside the window give the ends of the output range, whatever its function.
        low, high = apply_voi_lut(numpy.array([-1e12, 1e12]), flat)
    picture = (apply_voi_lut(real, flat).astype("float64") - low) / (high - low) * 255
    return 255 - picture if flat.PhotometricInterpretation == "MONOCHROME1" else picture


def grey(stored, flat):
    real = apply_modality_lut(stored, flat)
    entry = {
        "crc32": crc32(stored, "<i4"),
        "min": int(stored.min()),
        "max": int(stored.max()),
        "mean": number(stored.mean(dtype="float64")),
        "grid": grid(stored),
        "real_min": number(real.min()),
        "real_max": number(real.max()),
        "window": None,
    }
    if "WindowCenter" in flat and "WindowWidth" in flat:
        center, width = (numpy.ravel(value)[0] for value in (flat.WindowCenter, flat.WindowWidth))
        entry["window"] = [number(center), number(width), flat.get("VOILUTFunction", "LINEAR")]
    if entry["window"] or flat.get("VOILUTSequence"):
        try:
            entry["shown_grid"] = grid(shown(real, flat))
        except Exception as error:
            entry["shown_error"] = short(error)
    return entry


def colour(rgb):
    return {
        "crc32": crc32(rgb, "u1"),
        "means": [number(rgb[..., channel].mean()) for channel in range(3)],
        "grids": [grid(rgb[..., channel]) for channel in range(3)],
    }


def decode(ds, index):
    """(values of one frame, their photometric interpretation after decoding)"""
    array, meta = get_decoder(ds.file_meta.TransferSyntaxUID).as_array(ds, index=index)
    return array, str(meta["photometric_interpretation"])


def frame(ds, index, array, photometric):
    if photometric == "PALETTE COLOR":
        rgb = apply_color_lut(array, ds)
        bits = rgb.dtype.itemsize * 8
        stored = {"stored_crc32": crc32(array, "<i4")}
    elif array.ndim == 3:
        rgb, bits, stored = array, int(ds.BitsStored), {}
        if photometric.startswith("YBR_FULL"):
            rgb = convert_color_space(array, photometric, "RGB")
    else:
        return grey(array, frame_attributes(ds, index))
    return colour(rgb >> max(bits - 8, 0)) | stored


def overlays(ds):
    return {
        f"{group:04x}": int(numpy.count_nonzero(ds.overlay_array(group)))
        for group in range(0x6000, 0x6020, 2)
        if (group, 0x3000) in ds
    }


def uncompressed(path):
    """The exact answer of a file of the WG04 collection, or None."""
    if path.parent.parent.name != "WG04":
        return None
    reference = path.parent.parent / "REF" / (path.name.split("_")[0] + "_UNC.zst")
    with reference.open("rb") as packed:
        unpacked = zstandard.ZstdDecompressor().stream_reader(packed).read()
    return pydicom.dcmread(io.BytesIO(unpacked))


def mended(ds):
    """The one grey frame of a 12-bit JPEG file whose scan header says spectral end 0 (must be 63).

    libjpeg refuses these files (the WG04 collection made them so); most decoders do not look.
    """
    jpeg = bytearray(next(generate_frames(ds.PixelData, number_of_frames=1)))
    scan = jpeg.index(b"\xff\xda")
    jpeg[scan + 8] = 63
    return libjpeg.decode(bytes(jpeg))


def pixels(path, ds, frames):
    entry, exact = {}, uncompressed(path)
    if exact is not None:
        array, photometric = decode(exact, 0)
        if path.parent.name in LOSSLESS:
            entry["first"] = {"index": 0, **frame(ds, 0, array, photometric)}
            entry["pydicom_agrees"] = bool(numpy.array_equal(array, decode(ds, 0)[0]))
            return entry
        whole = frame(exact, 0, array, photometric)
        entry["uncompressed_crc32"] = whole["crc32"]
        entry |= {"uncompressed_" + key: whole[key] for key in ("grid", "grids") if key in whole}
    places = {"first": 0}
    if frames > 1:
        places |= {"middle": frames // 2, "last": frames - 1}
    for name, index in places.items():
        try:
            entry[name] = {"index": index, **frame(ds, index, *decode(ds, index))}
        except Exception as error:
            entry["error"] = short(error)
            if ds.file_meta.TransferSyntaxUID == pydicom.uid.JPEGExtended12Bit:
                entry["mended"] = {"index": index, **frame(ds, index, mended(ds), "MONOCHROME2")}
            break
    return entry


def dicom(path):
    # force: some files have no preamble or no file meta information.
    ds = pydicom.dcmread(path, force=True)
    syntax = ds.file_meta.get("TransferSyntaxUID")
    entry = {"transfer_syntax": syntax and str(syntax), "modality": ds.get("Modality")}
    if not ds.file_meta and not any(element.keyword for element in ds):
        return entry | {"error": "pydicom finds no known element"}
    if "PixelData" not in ds:
        return entry | {"no_pixels": True}
    frames = ds.get("NumberOfFrames") or 1
    entry |= {
        "rows": ds.get("Rows"),
        "columns": ds.get("Columns"),
        "frames": int(frames) if str(frames).isdigit() else str(frames),
        "samples_per_pixel": ds.get("SamplesPerPixel"),
        "photometric": ds.get("PhotometricInterpretation"),
        "bits_stored": ds.get("BitsStored"),
        "signed": ds.get("PixelRepresentation") == 1,
    }
    try:
        if counts := overlays(ds):
            entry["overlay"] = counts
        return entry | pixels(path, ds, int(frames))
    except Exception as error:
        return entry | {"error": short(error)}


def nifti(path):
    image = nibabel.load(path)
    entry = {
        "shape": list(image.shape),
        "zooms": [number(zoom) for zoom in image.header.get_zooms()],
        "dtype": image.get_data_dtype().str,
        "axcodes": "".join(nibabel.aff2axcodes(image.affine)),
        "affine": [[round(float(value), 5) + 0.0 for value in row] for row in image.affine],
        "slope": number(image.dataobj.slope, 9),
        "inter": number(image.dataobj.inter, 9),
    }
    volume = nibabel.as_closest_canonical(image).get_fdata(dtype="float64")
    while volume.ndim > 3:
        volume = volume[..., 0]
    for axis, name in enumerate(["sagittal", "coronal", "axial"]):
        index = volume.shape[axis] // 2
        plane = numpy.take(volume, index, axis)
        entry[name] = {"index": index, "crc32": crc32(plane, "<f4"), "min": number(plane.min()),
                       "max": number(plane.max()), "mean": number(plane.mean())}
    return entry


def compact(value):
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def table(folder, paths, read):
    lines = []
    for path in sorted(paths, key=lambda path: path.relative_to(folder).as_posix()):
        name = path.relative_to(folder).as_posix()
        try:
            text = compact(read(path))
        except Exception as error:
            text = compact({"error": short(error)})
        lines.append(f"{compact(name)}:{text}")
    return "{\n" + ",\n".join(lines) + "\n}"


def main():
    warnings.simplefilter("ignore")
    logging.disable(logging.CRITICAL)
    numpy.seterr(all="ignore")
    data = pathlib.Path(sys.argv[1])
    files = [path for path in (data / "dicom").rglob("*")
             if path.is_file() and path.suffix not in NOT_DICOM]
    volumes = [path for path in (data / "nifti").rglob("*")
               if path.name.endswith((".nii", ".nii.gz"))]
    print('{"dicom":' + table(data / "dicom", files, dicom)
          + ',\n"nifti":' + table(data / "nifti", volumes, nifti) + "}")


if __name__ == "__main__":
    main()
