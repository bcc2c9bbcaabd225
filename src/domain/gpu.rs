//! GPUs as the tools of their makers tell of them. Every figure may be missing: a tool that does not
//! say it is not guessed for.

use serde::{Deserialize, Serialize};

/// What of a GPU hardly ever changes.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuCard {
    /// As its tool counts on that machine, from 0.
    pub index: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uuid: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_total_mib: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_limit_watts: Option<f32>,
    /// Divided into instances; none where the GPU cannot be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_mig: Option<bool>,
}

/// What of a GPU changes all the time.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuFigures {
    /// Of the time since the last sample, not of what the GPU could do; none while it is divided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub use_percent: Option<u8>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_mib: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub power_watts: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature_c: Option<f32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sm_clock_mhz: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_clock_mhz: Option<u32>,
    /// `P0` is the fastest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pstate: Option<String>,
    /// Why its clocks are lower than they could be.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub throttle: Vec<Throttle>,
    /// Memory errors since the driver was loaded that could not be mended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ecc_uncorrected: Option<u64>,
    /// The driver has lost it: no figure comes any more until a reset.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_lost: bool,
}

/// Why clocks are lowered. That nothing is to be done is no reason.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Throttle {
    PowerCap,
    HardwareSlowdown,
    SyncBoost,
    Thermal,
    HardwareThermal,
    PowerBrake,
}

impl Throttle {
    pub fn said(self) -> &'static str {
        match self {
            Self::PowerCap => "power cap",
            Self::HardwareSlowdown => "slowed by hardware",
            Self::SyncBoost => "sync boost",
            Self::Thermal => "too hot",
            Self::HardwareThermal => "hardware too hot",
            Self::PowerBrake => "power brake",
        }
    }

    /// A full GPU at its power limit is as it should be; all else costs time.
    pub fn is_trouble(self) -> bool {
        !matches!(self, Self::PowerCap | Self::SyncBoost)
    }
}

/// A part of a GPU that is divided (MIG).
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuInstance {
    pub gpu: u32,
    pub gpu_instance: u32,
    pub compute_instance: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_used_mib: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_total_mib: Option<u64>,
}

/// A process that computes on a GPU.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct GpuProcess {
    /// None where the tool does not say on which.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gpu: Option<u32>,
    pub pid: i32,
    pub name: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_mib: Option<u64>,
    /// The run that it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
}

/// What tells of the GPUs of a machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum GpuTool {
    NvidiaSmi,
    RocmSmi,
}

impl GpuTool {
    pub fn name(self) -> &'static str {
        match self {
            Self::NvidiaSmi => "nvidia-smi",
            Self::RocmSmi => "rocm-smi",
        }
    }
}

/// A GPU with what became of it while it was watched.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Gpu {
    #[serde(flatten)]
    pub card: GpuCard,
    #[serde(flatten)]
    pub figures: GpuFigures,
    pub instances: Vec<GpuInstance>,
    pub processes: Vec<GpuProcess>,
    /// Somebody holds it and its use has been 0 % for so long, as far as it was watched.
    pub idle_seconds: Option<u64>,
    /// Uses in percent, oldest first; evenly spaced.
    pub uses: Vec<Option<u8>>,
    /// Whom a scheduler gave it to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub allocated_to: Option<String>,
}

/// Held and unused for this long is worth a word.
pub const IDLE_SECONDS: u64 = 10 * 60;

impl Gpu {
    /// Held, and idle for so long that somebody should look.
    pub fn is_idle(&self) -> bool {
        self.idle_seconds.is_some_and(|idle| idle >= IDLE_SECONDS)
    }
}
