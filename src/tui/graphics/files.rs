//! What a picture needs besides the scan that it shows.

use std::sync::Arc;

use semihv_domain::{Failure, FailureKind};
use semihv_imaging::{HeatMap, Raster, RegionFile, Scan};

/// Opens what a request names by its location.
pub trait Files {
    fn scan(&self, location: &str) -> Result<Arc<Scan>, Failure>;

    fn regions(&self, location: &str) -> Result<Arc<RegionFile>, Failure>;

    /// The values of a scan that is laid over another.
    fn heat_map(&self, location: &str) -> Result<Arc<HeatMap>, Failure>;

    /// A small picture of what lies there.
    fn thumbnail(&self, location: &str) -> Result<Arc<Raster>, Failure>;
}

/// For pictures that are known to need nothing else.
#[derive(Debug, Clone, Copy)]
pub struct NoFiles;

impl Files for NoFiles {
    fn scan(&self, location: &str) -> Result<Arc<Scan>, Failure> {
        Err(closed(location))
    }

    fn regions(&self, location: &str) -> Result<Arc<RegionFile>, Failure> {
        Err(closed(location))
    }

    fn heat_map(&self, location: &str) -> Result<Arc<HeatMap>, Failure> {
        Err(closed(location))
    }

    fn thumbnail(&self, location: &str) -> Result<Arc<Raster>, Failure> {
        Err(closed(location))
    }
}

fn closed(location: &str) -> Failure {
    let summary = format!("{location} is not opened here");
    Failure::new("picture", FailureKind::Internal, summary)
}
