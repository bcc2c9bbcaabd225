//! The few things of `nvidia-smi -q -x` that no row says: the instances of a divided GPU.

use quick_xml::Reader;
use quick_xml::events::Event;
use semihv_domain::GpuInstance;

use super::csv::count;

/// Deeper or more is no answer of this tool.
const DEEPEST: usize = 32;
const MOST_INSTANCES: usize = 1_024;
const LONGEST_TEXT: usize = 256;

/// Instances, with the `uuid` of their GPU; what cannot be read ends the list.
pub(super) fn instances(text: &str) -> Vec<(String, GpuInstance)> {
    let mut reader = Reader::from_str(text);
    let (mut path, mut walk) = (Vec::<String>::new(), Walk::default());
    while let Ok(event) = reader.read_event() {
        match event {
            Event::Start(tag) => {
                if path.len() >= DEEPEST {
                    break;
                }
                path.push(tag.name().as_ref().to_owned());
                walk.text.clear();
            }
            Event::Text(text) => {
                let room = LONGEST_TEXT.saturating_sub(walk.text.len());
                walk.text.extend(text.chars().take(room));
            }
            Event::End(_) => {
                walk.ended(&path);
                path.pop();
                walk.text.clear();
            }
            Event::Eof => break,
            _ => {}
        }
        if walk.done.len() + walk.of_gpu.len() > MOST_INSTANCES {
            break;
        }
    }
    walk.done
}

#[derive(Default)]
struct Walk {
    text: String,
    uuid: String,
    instance: GpuInstance,
    /// Its GPU's uuid stands behind them.
    of_gpu: Vec<GpuInstance>,
    done: Vec<(String, GpuInstance)>,
}

impl Walk {
    /// An element of this path ends.
    fn ended(&mut self, path: &[String]) {
        let inner: Vec<&str> = path.iter().skip(2).map(String::as_str).collect();
        let number = || count(&self.text);
        match inner.as_slice() {
            ["uuid"] => self.uuid = self.text.trim().to_owned(),
            ["mig_devices", "mig_device"] => {
                self.of_gpu.push(std::mem::take(&mut self.instance));
            }
            ["mig_devices", "mig_device", rest @ ..] => match rest {
                ["gpu_instance_id"] => self.instance.gpu_instance = small(number()),
                ["compute_instance_id"] => self.instance.compute_instance = small(number()),
                ["fb_memory_usage", "total"] => self.instance.memory_total_mib = number(),
                ["fb_memory_usage", "used"] => self.instance.memory_used_mib = number(),
                _ => {}
            },
            [] if path.len() == 2 => {
                let uuid = std::mem::take(&mut self.uuid);
                let found = self.of_gpu.drain(..);
                self.done.extend(found.map(|it| (uuid.clone(), it)));
            }
            _ => {}
        }
    }
}

fn small(number: Option<u64>) -> u32 {
    number.and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
}
