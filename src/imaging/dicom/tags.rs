//! The tags that are read, and the representation of those that implicit files do not say.

pub(crate) type Tag = u32;

macro_rules! tags {
    ($($name:ident = $tag:literal $vr:literal;)*) => {
        $(pub(crate) const $name: Tag = $tag;)*

        /// The representation (PS3.6) of a tag that is read; text where there is none.
        pub(crate) fn vr_of(tag: Tag) -> [u8; 2] {
            match tag {
                $($tag => *$vr,)*
                _ => *b"LO",
            }
        }
    };
}

tags! {
    MEDIA_CLASS = 0x0002_0002 b"UI";
    TRANSFER_SYNTAX = 0x0002_0010 b"UI";
    DIRECTORY_RECORDS = 0x0004_1220 b"SQ";
    REFERENCED_FILE = 0x0004_1500 b"CS";
    MODALITY = 0x0008_0060 b"CS";
    REFERENCED_FRAME = 0x0008_1160 b"IS";
    SOURCE_IMAGES = 0x0008_2112 b"SQ";
    DERIVATION = 0x0008_9124 b"SQ";
    SLICE_THICKNESS = 0x0018_0050 b"DS";
    SPACING_BETWEEN_SLICES = 0x0018_0088 b"DS";
    IMAGER_PIXEL_SPACING = 0x0018_1164 b"DS";
    SERIES = 0x0020_000E b"UI";
    INSTANCE_NUMBER = 0x0020_0013 b"IS";
    POSITION = 0x0020_0032 b"DS";
    ORIENTATION = 0x0020_0037 b"DS";
    PLANE_POSITION = 0x0020_9113 b"SQ";
    PLANE_ORIENTATION = 0x0020_9116 b"SQ";
    SAMPLES_PER_PIXEL = 0x0028_0002 b"US";
    PHOTOMETRIC = 0x0028_0004 b"CS";
    PLANAR_CONFIGURATION = 0x0028_0006 b"US";
    NUMBER_OF_FRAMES = 0x0028_0008 b"IS";
    ROWS = 0x0028_0010 b"US";
    COLUMNS = 0x0028_0011 b"US";
    PIXEL_SPACING = 0x0028_0030 b"DS";
    BITS_ALLOCATED = 0x0028_0100 b"US";
    BITS_STORED = 0x0028_0101 b"US";
    HIGH_BIT = 0x0028_0102 b"US";
    PIXEL_REPRESENTATION = 0x0028_0103 b"US";
    PADDING = 0x0028_0120 b"US";
    PADDING_LIMIT = 0x0028_0121 b"US";
    WINDOW_CENTRE = 0x0028_1050 b"DS";
    WINDOW_WIDTH = 0x0028_1051 b"DS";
    RESCALE_INTERCEPT = 0x0028_1052 b"DS";
    RESCALE_SLOPE = 0x0028_1053 b"DS";
    WINDOW_NAME = 0x0028_1055 b"LO";
    WINDOW_FUNCTION = 0x0028_1056 b"CS";
    RED_DESCRIPTOR = 0x0028_1101 b"US";
    GREEN_DESCRIPTOR = 0x0028_1102 b"US";
    BLUE_DESCRIPTOR = 0x0028_1103 b"US";
    RED_TABLE = 0x0028_1201 b"OW";
    GREEN_TABLE = 0x0028_1202 b"OW";
    BLUE_TABLE = 0x0028_1203 b"OW";
    RED_SEGMENTS = 0x0028_1221 b"OW";
    GREEN_SEGMENTS = 0x0028_1222 b"OW";
    BLUE_SEGMENTS = 0x0028_1223 b"OW";
    MODALITY_LUT = 0x0028_3000 b"SQ";
    LUT_DESCRIPTOR = 0x0028_3002 b"US";
    LUT_DATA = 0x0028_3006 b"OW";
    VOI_LUT = 0x0028_3010 b"SQ";
    PIXEL_MEASURES = 0x0028_9110 b"SQ";
    FRAME_VOI = 0x0028_9132 b"SQ";
    PIXEL_TRANSFORMATION = 0x0028_9145 b"SQ";
    SEGMENTATION_TYPE = 0x0062_0001 b"CS";
    SEGMENTS = 0x0062_0002 b"SQ";
    SEGMENT_NUMBER = 0x0062_0004 b"US";
    SEGMENT_LABEL = 0x0062_0005 b"LO";
    SEGMENT_IDENTIFICATION = 0x0062_000A b"SQ";
    REFERENCED_SEGMENT_NUMBER = 0x0062_000B b"US";
    SEGMENT_COLOUR = 0x0062_000D b"US";
    MOST_FRACTION = 0x0062_000E b"US";
    PRESENTATION_SHAPE = 0x2050_0020 b"CS";
    DOSE_SCALING = 0x3004_000E b"DS";
    STRUCTURE_SET_ROI = 0x3006_0020 b"SQ";
    ROI_NUMBER = 0x3006_0022 b"IS";
    ROI_NAME = 0x3006_0026 b"LO";
    ROI_COLOUR = 0x3006_002A b"IS";
    ROI_CONTOUR = 0x3006_0039 b"SQ";
    CONTOUR = 0x3006_0040 b"SQ";
    CONTOUR_DATA = 0x3006_0050 b"DS";
    REFERENCED_ROI_NUMBER = 0x3006_0084 b"IS";
    SHARED_GROUPS = 0x5200_9229 b"SQ";
    PER_FRAME_GROUPS = 0x5200_9230 b"SQ";
    FLOAT_PIXEL_DATA = 0x7FE0_0008 b"OF";
    DOUBLE_PIXEL_DATA = 0x7FE0_0009 b"OD";
    PIXEL_DATA = 0x7FE0_0010 b"OW";
    ITEM = 0xFFFE_E000 b"UN";
}

/// Elements of the overlay group `0x6000 + 2 * plane`.
pub(crate) fn overlay(plane: u16, element: u16) -> Tag {
    (0x6000 + u32::from(plane) * 2) << 16 | u32::from(element)
}
