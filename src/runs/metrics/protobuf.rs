//! The little of protobuf that event files need: fields of a message, one after the other.

/// A field's value; messages, texts and packed numbers are bytes.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Bytes(&'a [u8]),
    Fixed32(u32),
}

impl<'a> Wire<'a> {
    pub(super) fn bytes(self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    pub(super) fn text(self) -> Option<String> {
        self.bytes()
            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
    }

    pub(super) fn varint(self) -> Option<u64> {
        match self {
            Self::Varint(number) => Some(number),
            _ => None,
        }
    }

    pub(super) fn float(self) -> Option<f64> {
        match self {
            Self::Fixed32(bits) => Some(f64::from(f32::from_bits(bits))),
            Self::Fixed64(bits) => Some(f64::from_bits(bits)),
            _ => None,
        }
    }
}

/// Ends at the first byte that is no field: what stands before is good.
pub(super) fn fields(bytes: &[u8]) -> impl Iterator<Item = (u64, Wire<'_>)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let key = varint(&mut rest)?;
        let value = match key & 7 {
            0 => Wire::Varint(varint(&mut rest)?),
            1 => Wire::Fixed64(u64::from_le_bytes(*taken(&mut rest)?)),
            2 => {
                let length = usize::try_from(varint(&mut rest)?).ok()?;
                let (bytes, after) = rest.split_at_checked(length)?;
                rest = after;
                Wire::Bytes(bytes)
            }
            5 => Wire::Fixed32(u32::from_le_bytes(*taken(&mut rest)?)),
            _ => return None,
        };
        Some((key >> 3, value))
    })
}

/// Of packed numbers, where there is one alone.
pub(super) fn only_varint(bytes: &[u8]) -> Option<u64> {
    let mut rest = bytes;
    varint(&mut rest).filter(|_| rest.is_empty())
}

fn taken<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (bytes, after) = rest.split_first_chunk::<N>()?;
    *rest = after;
    Some(bytes)
}

fn varint(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn fields_of_every_kind() {
        let bytes = [
            0x08, 0x96, 0x01, 0x12, 0x02, b'a', b'b', 0x1d, 0, 0, 0x80, 0x3f, 0x21, 0, 0, 0, 0, 0,
            0, 0xf0, 0x3f,
        ];
        let found: Vec<(u64, Wire<'_>)> = fields(&bytes).collect();
        assert_eq!(found[0], (1, Wire::Varint(150)));
        assert_eq!(found[1].1.text().as_deref(), Some("ab"));
        assert_eq!(
            (found[2].1.float(), found[3].1.float()),
            (Some(1.0), Some(1.0))
        );
        assert_eq!(fields(&bytes[..6]).count(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_end(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            fields(&bytes).count();
        }
    }
}
