//! Inner products of rows of codes with one row, the same integers by every kernel.

#![expect(unsafe_code, reason = "loads of whole registers")]

/// Which instructions do it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    Avx512Vnni,
    Avx2,
    Scalar,
}

impl Kernel {
    /// Those that this processor has, the fastest first.
    pub(crate) fn available() -> Vec<Self> {
        let mut kernels = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            if is_x86_feature_detected!("avx512f")
                && is_x86_feature_detected!("avx512bw")
                && is_x86_feature_detected!("avx512vnni")
                && is_x86_feature_detected!("avx2")
            {
                kernels.push(Self::Avx512Vnni);
            }
            if is_x86_feature_detected!("avx2") {
                kernels.push(Self::Avx2);
            }
        }
        kernels.push(Self::Scalar);
        kernels
    }

    /// The fastest of this processor.
    pub(crate) fn best() -> Self {
        Self::available().first().copied().unwrap_or(Self::Scalar)
    }

    /// Of rows that lie one after the other.
    pub(crate) fn run(self, codes: &[i8], query: &[i8], out: &mut [i32]) {
        match self {
            // SAFETY: every value comes from `available`, which asks the processor.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => unsafe { x86::run_vnni(codes, query, out) },
            // SAFETY: as above.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::run_avx2(codes, query, out) },
            _ => run_scalar(codes, query, out),
        }
    }

    /// Of two rows.
    pub(crate) fn pair(self, a: &[i8], b: &[i8]) -> i32 {
        match self {
            // SAFETY: as in `run`; every processor with the wider instructions has these.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni | Self::Avx2 => unsafe { x86::pair_avx2(a, b) },
            _ => dot_scalar(a, b),
        }
    }

    /// Of the rows with these numbers; a number out of range gives 0.
    pub(crate) fn picked(self, codes: &[i8], query: &[i8], rows: &[u32], out: &mut [i32]) {
        match self {
            // SAFETY: as in `run`.
            #[cfg(target_arch = "x86_64")]
            Self::Avx512Vnni => unsafe { x86::picked_vnni(codes, query, rows, out) },
            // SAFETY: as in `run`.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => unsafe { x86::picked_avx2(codes, query, rows, out) },
            _ => {
                for (out, &row) in out.iter_mut().zip(rows) {
                    *out = row_of(codes, query.len(), row).map_or(0, |row| dot_scalar(row, query));
                }
            }
        }
    }
}

/// Asks for memory that is read soon.
pub(crate) fn prefetch<T: bytemuck::NoUninit>(numbers: &[T]) {
    #[cfg(target_arch = "x86_64")]
    x86::prefetch(bytemuck::cast_slice(numbers));
    #[cfg(not(target_arch = "x86_64"))]
    let _ = numbers;
}

fn row_of(codes: &[i8], stride: usize, row: u32) -> Option<&[i8]> {
    codes.get(crate::fuse::stretch(row as usize, stride))
}

fn run_scalar(codes: &[i8], query: &[i8], out: &mut [i32]) {
    for (out, row) in out.iter_mut().zip(codes.chunks_exact(query.len().max(1))) {
        *out = dot_scalar(row, query);
    }
}

fn dot_scalar(row: &[i8], query: &[i8]) -> i32 {
    row.iter()
        .zip(query)
        .map(|(&a, &b)| i32::from(a) * i32::from(b))
        .sum()
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, __m512i, _MM_HINT_T0, _mm_add_epi32, _mm_cvtsi128_si32, _mm_extract_epi32,
        _mm_prefetch, _mm_shuffle_epi32, _mm256_abs_epi8, _mm256_add_epi32, _mm256_castsi256_si128,
        _mm256_extracti128_si256, _mm256_hadd_epi32, _mm256_loadu_si256, _mm256_madd_epi16,
        _mm256_maddubs_epi16, _mm256_set1_epi16, _mm256_setzero_si256, _mm256_sign_epi8,
        _mm512_castsi512_si256, _mm512_dpbusd_epi32, _mm512_extracti64x4_epi64, _mm512_loadu_si512,
        _mm512_reduce_add_epi32, _mm512_set1_epi8, _mm512_setzero_si512, _mm512_xor_si512,
    };

    use super::row_of;
    use crate::encode::LANE;

    /// Rows ahead whose first lines are asked for when rows are picked here and there.
    const AHEAD: usize = 12;

    /// Bytes ahead of a run that are asked for.
    const BEYOND: usize = 4096;

    #[inline]
    #[target_feature(enable = "avx512f")]
    fn load(lane: &[i8; LANE]) -> __m512i {
        // SAFETY: the array has the 64 bytes that are read; no alignment is asked for.
        unsafe { _mm512_loadu_si512(lane.as_ptr().cast()) }
    }

    /// The instruction multiplies unsigned by signed bytes: rows are moved up by 128, and `moved`,
    /// 128 times the sum of the query, is taken away again.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn dot_vnni(row: &[i8], query: &[i8], moved: i32) -> i32 {
        _mm512_reduce_add_epi32(sums_vnni(row, query)) - moved
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn sums_vnni(row: &[i8], query: &[i8]) -> __m512i {
        let up = _mm512_set1_epi8(i8::MIN);
        let mut sums = _mm512_setzero_si512();
        let lanes = row.as_chunks::<LANE>().0.iter();
        for (row, query) in lanes.zip(query.as_chunks::<LANE>().0) {
            sums = _mm512_dpbusd_epi32(sums, _mm512_xor_si512(load(row), up), load(query));
        }
        sums
    }

    /// One row after the other, as they lie in memory: the processor then fetches ahead at the
    /// speed of memory. Only their sums are made together.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    fn four_vnni(rows: [&[i8]; 4], query: &[i8], moved: i32) -> [i32; 4] {
        let folded = rows.map(|row| {
            let sums = sums_vnni(row, query);
            let upper = _mm512_extracti64x4_epi64::<1>(sums);
            _mm256_add_epi32(_mm512_castsi512_si256(sums), upper)
        });
        four_sums(folded).map(|sum| sum - moved)
    }

    fn moved(query: &[i8]) -> i32 {
        128 * query.iter().map(|&code| i32::from(code)).sum::<i32>()
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) fn run_vnni(codes: &[i8], query: &[i8], out: &mut [i32]) {
        let (moved, stride) = (moved(query), query.len().max(1));
        let whole = codes.chunks_exact(stride * 4);
        let rest = whole.remainder();
        let (fours, ones) = out.split_at_mut(out.len().min(whole.len() * 4));
        for (out, rows) in fours.as_chunks_mut::<4>().0.iter_mut().zip(whole) {
            let (front, back) = rows.split_at(stride * 2);
            let ((a, b), (c, d)) = (front.split_at(stride), back.split_at(stride));
            *out = four_vnni([a, b, c, d], query, moved);
        }
        for (out, row) in ones.iter_mut().zip(rest.chunks_exact(stride)) {
            *out = dot_vnni(row, query, moved);
        }
    }

    #[target_feature(enable = "avx512f,avx512bw,avx512vnni")]
    pub(super) fn picked_vnni(codes: &[i8], query: &[i8], rows: &[u32], out: &mut [i32]) {
        let moved = moved(query);
        let (fours, rest) = rows.as_chunks::<4>();
        let (out, out_rest) = out.split_at_mut(out.len().min(fours.len() * 4));
        for (at, (out, four)) in out.as_chunks_mut::<4>().0.iter_mut().zip(fours).enumerate() {
            ask_for(codes, query.len(), rows.get(at * 4 + AHEAD..));
            let four = four.map(|row| row_of(codes, query.len(), row));
            *out = match four {
                [Some(a), Some(b), Some(c), Some(d)] => four_vnni([a, b, c, d], query, moved),
                _ => four.map(|row| row.map_or(0, |row| dot_vnni(row, query, moved))),
            };
        }
        for (out, &row) in out_rest.iter_mut().zip(rest) {
            *out = row_of(codes, query.len(), row).map_or(0, |row| dot_vnni(row, query, moved));
        }
    }

    /// The first four of these rows.
    #[inline]
    fn ask_for(codes: &[i8], stride: usize, rows: Option<&[u32]>) {
        for &row in rows.into_iter().flatten().take(4) {
            if let Some(row) = row_of(codes, stride, row) {
                prefetch(row);
            }
        }
    }

    /// The processor's own prefetching stops at the end of each page.
    #[inline]
    fn ask_beyond(rows: &[i8]) {
        for lane in rows.chunks(LANE) {
            // SAFETY: a hint that reads nothing, whatever lies at the address.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(lane.as_ptr().wrapping_add(BEYOND)) };
        }
    }

    #[inline]
    pub(super) fn prefetch(bytes: &[i8]) {
        for lane in bytes.chunks(LANE) {
            // SAFETY: a hint; the address is that of a slice in any case.
            unsafe { _mm_prefetch::<_MM_HINT_T0>(lane.as_ptr()) };
        }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load_half(lane: &[i8; 32]) -> __m256i {
        // SAFETY: the array has the 32 bytes that are read; no alignment is asked for.
        unsafe { _mm256_loadu_si256(lane.as_ptr().cast()) }
    }

    /// Magnitudes times signed codes: two products of at most 128 * 127 fit in 16 bits.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_avx2(sum: __m256i, row: &[i8; 32], query: __m256i) -> __m256i {
        let row = load_half(row);
        let pairs = _mm256_maddubs_epi16(_mm256_abs_epi8(row), _mm256_sign_epi8(query, row));
        _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn dot_avx2(row: &[i8], query: &[i8]) -> i32 {
        let mut sum = _mm256_setzero_si256();
        for (row, query) in row
            .as_chunks::<32>()
            .0
            .iter()
            .zip(query.as_chunks::<32>().0)
        {
            sum = add_avx2(sum, row, load_half(query));
        }
        let sum = _mm_add_epi32(
            _mm256_castsi256_si128(sum),
            _mm256_extracti128_si256::<1>(sum),
        );
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b00_00_11_10>(sum));
        let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b00_00_00_01>(sum));
        _mm_cvtsi128_si32(sum)
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn pair_avx2(a: &[i8], b: &[i8]) -> i32 {
        dot_avx2(a, b)
    }

    /// Four rows at a time, as above.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn four_avx2(rows: [&[i8]; 4], query: &[i8]) -> [i32; 4] {
        let [a, b, c, d] = rows;
        let (a, b) = (a.as_chunks::<32>().0, b.as_chunks::<32>().0);
        let (c, d) = (c.as_chunks::<32>().0, d.as_chunks::<32>().0);
        let none = _mm256_setzero_si256();
        let (mut of_a, mut of_b, mut of_c, mut of_d) = (none, none, none, none);
        let lanes = a.iter().zip(b).zip(c.iter().zip(d));
        for (((a, b), (c, d)), query) in lanes.zip(query.as_chunks::<32>().0) {
            let query = load_half(query);
            of_a = add_avx2(of_a, a, query);
            of_b = add_avx2(of_b, b, query);
            of_c = add_avx2(of_c, c, query);
            of_d = add_avx2(of_d, d, query);
        }
        four_sums([of_a, of_b, of_c, of_d])
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn four_sums([a, b, c, d]: [__m256i; 4]) -> [i32; 4] {
        let sums = _mm256_hadd_epi32(_mm256_hadd_epi32(a, b), _mm256_hadd_epi32(c, d));
        let sums = _mm_add_epi32(
            _mm256_castsi256_si128(sums),
            _mm256_extracti128_si256::<1>(sums),
        );
        [
            _mm_extract_epi32::<0>(sums),
            _mm_extract_epi32::<1>(sums),
            _mm_extract_epi32::<2>(sums),
            _mm_extract_epi32::<3>(sums),
        ]
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn run_avx2(codes: &[i8], query: &[i8], out: &mut [i32]) {
        let stride = query.len().max(1);
        let whole = codes.chunks_exact(stride * 4);
        let rest = whole.remainder();
        let (fours, ones) = out.split_at_mut(out.len().min(whole.len() * 4));
        for (out, rows) in fours.as_chunks_mut::<4>().0.iter_mut().zip(whole) {
            let (front, back) = rows.split_at(stride * 2);
            let ((a, b), (c, d)) = (front.split_at(stride), back.split_at(stride));
            ask_beyond(rows);
            *out = four_avx2([a, b, c, d], query);
        }
        for (out, row) in ones.iter_mut().zip(rest.chunks_exact(stride)) {
            *out = dot_avx2(row, query);
        }
    }

    #[target_feature(enable = "avx2")]
    pub(super) fn picked_avx2(codes: &[i8], query: &[i8], rows: &[u32], out: &mut [i32]) {
        let (fours, rest) = rows.as_chunks::<4>();
        let (out, out_rest) = out.split_at_mut(out.len().min(fours.len() * 4));
        for (at, (out, four)) in out.as_chunks_mut::<4>().0.iter_mut().zip(fours).enumerate() {
            ask_for(codes, query.len(), rows.get(at * 4 + AHEAD..));
            let four = four.map(|row| row_of(codes, query.len(), row));
            *out = match four {
                [Some(a), Some(b), Some(c), Some(d)] => four_avx2([a, b, c, d], query),
                _ => four.map(|row| row.map_or(0, |row| dot_avx2(row, query))),
            };
        }
        for (out, &row) in out_rest.iter_mut().zip(rest) {
            *out = row_of(codes, query.len(), row).map_or(0, |row| dot_avx2(row, query));
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn all_kernels_give_the_same_integers(
            lanes in 1usize..14,
            seed in any::<u64>(),
        ) {
            let stride = lanes * 64;
            let mut state = seed | 1;
            let mut code = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                ((state >> 40) % 255) as i32 - 127
            };
            let mut codes: Vec<i8> = (0..stride * 9).map(|_| code() as i8).collect();
            codes[..stride].fill(-127);
            let mut query: Vec<i8> = (0..stride).map(|_| code() as i8).collect();
            if seed % 3 == 0 {
                query.fill(if seed % 2 == 0 { 127 } else { -127 });
            }
            let rows = [8u32, 0, 3, 3, 1, 77, 2, 5, 6, 77, 4];
            let mut expected = [0; 9];
            Kernel::Scalar.run(&codes, &query, &mut expected);
            for kernel in Kernel::available() {
                let mut found = [0; 9];
                kernel.run(&codes, &query, &mut found);
                prop_assert_eq!(found, expected, "{:?}", kernel);
                let mut picked = [0; 11];
                kernel.picked(&codes, &query, &rows, &mut picked);
                let wanted = rows.map(|row| expected.get(row as usize).copied().unwrap_or(0));
                prop_assert_eq!(picked, wanted, "{:?}", kernel);
                prop_assert_eq!(kernel.pair(&codes[..stride], &query), expected[0], "{:?}", kernel);
            }
        }
    }
}
