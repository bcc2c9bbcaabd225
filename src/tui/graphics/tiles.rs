//! Several pictures as one: side by side, and a strip of small ones below.
//!
//! Composed before they are encoded, so that a terminal holds, places and deletes one picture
//! whatever is seen in it.

use image::{GrayImage, Rgb, RgbImage, imageops};
use semihv_imaging::{Extent, Raster, fit};

/// A part of a larger picture, in its pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    pub left: u32,
    pub top: u32,
    pub extent: Extent,
}

/// Where everything goes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Tiling {
    /// Columns and rows of the large ones.
    pub grid: (u8, u8),
    pub tiles: Vec<Tile>,
    pub thumbnails: Vec<Tile>,
}

/// The strip's part of the height.
const STRIP: u32 = 7;
/// Gaps are this part of the width.
const GAP: u32 = 160;

impl Tiling {
    /// Lays out `tiles` large pictures and `thumbnails` small ones.
    pub(super) fn of(room: Extent, tiles: usize, thumbnails: usize) -> Self {
        let gap = (room.width / GAP).max(1);
        let strip = if thumbnails > 0 {
            (room.height / STRIP).max(1)
        } else {
            0
        };
        let gap_above_strip = if thumbnails > 0 { gap } else { 0 };
        let height = room.height.saturating_sub(strip + gap_above_strip).max(1);
        let is_wide = room.width >= height;
        let grid = match (tiles, is_wide) {
            (0 | 1, _) => (1, 1),
            (2, true) => (2, 1),
            (2, false) => (1, 2),
            _ => (2, 2),
        };
        let upper = (0, room.width, height);
        let large = row_major(upper, (grid, gap)).into_iter();
        let across = u32::try_from(thumbnails.max(1)).unwrap_or(u32::MAX);
        let lower = (height + gap_above_strip, room.width, strip.max(1));
        let small = columns(lower, (across, gap)).into_iter();
        Self {
            grid: (grid.0 as u8, grid.1 as u8),
            tiles: large.take(tiles.max(1)).collect(),
            thumbnails: small.take(thumbnails).collect(),
        }
    }
}

fn row_major(
    (top, width, height): (u32, u32, u32),
    ((across, down), gap): ((u32, u32), u32),
) -> Vec<Tile> {
    let each = (height.saturating_sub(gap * (down - 1)) / down).max(1);
    (0..down)
        .flat_map(|row| columns((top + row * (each + gap), width, each), (across, gap)))
        .collect()
}

fn columns((top, width, height): (u32, u32, u32), (across, gap): (u32, u32)) -> Vec<Tile> {
    let across = across.max(1);
    let gaps = gap.saturating_mul(across - 1);
    let each = (width.saturating_sub(gaps) / across).max(1);
    let all = (0..across).map(|column| Tile {
        left: column * (each + gap),
        top,
        extent: Extent {
            width: each,
            height,
        },
    });
    all.collect()
}

/// Rasters in the middle of their tiles, on black; grey when all of them are.
pub(super) fn composed(extent: Extent, parts: Vec<(Tile, Raster)>) -> Raster {
    let is_grey = parts
        .iter()
        .all(|(_, raster)| matches!(raster, Raster::Grey(_)));
    if is_grey {
        let mut whole = GrayImage::new(extent.width, extent.height);
        for (tile, raster) in parts {
            let (left, top) = corner(tile, &raster);
            if let Raster::Grey(grey) = raster {
                imageops::replace(&mut whole, &grey, left, top);
            }
        }
        return Raster::Grey(whole);
    }
    let mut whole = RgbImage::new(extent.width, extent.height);
    for (tile, raster) in parts {
        let (left, top) = corner(tile, &raster);
        imageops::replace(&mut whole, &raster.into_colour(), left, top);
    }
    Raster::Colour(whole)
}

fn corner(tile: Tile, raster: &Raster) -> (i64, i64) {
    let middle = |start: u32, side: u32, length: u32| {
        i64::from(start) + (i64::from(side) - i64::from(length)) / 2
    };
    (
        middle(tile.left, tile.extent.width, raster.width()),
        middle(tile.top, tile.extent.height, raster.height()),
    )
}

/// A small picture in its tile, framed when it is the one that is shown.
pub(super) fn thumbnail(picture: Raster, tile: Tile, frame: Option<[u8; 3]>) -> Raster {
    let picture = fit(picture, tile.extent);
    let Some(frame) = frame else {
        return picture;
    };
    let mut colour = picture.into_colour();
    let (right, bottom) = (colour.width() - 1, colour.height() - 1);
    for (x, y, pixel) in colour.enumerate_pixels_mut() {
        if x == 0 || y == 0 || x == right || y == bottom {
            *pixel = Rgb(frame);
        }
    }
    Raster::Colour(colour)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn extent(width: u32, height: u32) -> Extent {
        Extent { width, height }
    }

    fn tile(left: u32, top: u32, width: u32, height: u32) -> Tile {
        Tile {
            left,
            top,
            extent: extent(width, height),
        }
    }

    #[test]
    fn two_lie_along_the_longer_side_and_four_in_a_square() {
        let wide = Tiling::of(extent(321, 200), 2, 0);
        assert_eq!(wide.tiles, [tile(0, 0, 159, 200), tile(161, 0, 159, 200)]);
        let tall = Tiling::of(extent(100, 201), 2, 0);
        assert_eq!(tall.tiles, [tile(0, 0, 100, 100), tile(0, 101, 100, 100)]);
        let three = Tiling::of(extent(101, 101), 3, 0);
        assert_eq!((three.grid, three.tiles.len()), ((2, 2), 3));
        assert_eq!(three.tiles[2], tile(0, 51, 50, 50));
    }

    #[test]
    fn a_strip_lies_below_and_nothing_leaves_the_room() {
        let tiling = Tiling::of(extent(160, 140), 1, 4);
        assert_eq!(tiling.tiles, [tile(0, 0, 160, 119)]);
        assert_eq!(tiling.thumbnails[3], tile(120, 120, 39, 20));
        for (width, height) in [(1, 1), (7, 3), (2000, 9)] {
            for (tiles, thumbnails) in [(1, 0), (4, 9), (2, 1)] {
                let tiling = Tiling::of(extent(width, height), tiles, thumbnails);
                assert_eq!(tiling.tiles.len(), tiles);
                assert_eq!(tiling.thumbnails.len(), thumbnails);
            }
        }
    }

    #[test]
    fn greys_stay_grey_and_lie_in_the_middle() {
        let white = Raster::Grey(GrayImage::from_pixel(2, 2, image::Luma([255])));
        let whole = composed(extent(8, 4), vec![(tile(4, 0, 4, 4), white.clone())]);
        let Raster::Grey(grey) = &whole else {
            panic!("grey stays grey");
        };
        assert_eq!(
            (grey.get_pixel(5, 1).0, grey.get_pixel(4, 1).0),
            ([255], [0])
        );
        let framed = thumbnail(white, tile(0, 0, 8, 8), Some([9, 8, 7]));
        assert_eq!((framed.rgb(0, 3), framed.rgb(3, 3)), ([9, 8, 7], [255; 3]));
    }
}
