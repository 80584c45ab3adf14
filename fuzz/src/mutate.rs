//! Mutations by a generator with a fixed seed: the same ones in every run.

/// The generator of Steele, Lea and Flood (`SplitMix64`): eight bytes of state, good enough to break parsers.
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    /// A generator whose sequence `seed` fixes.
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, and 0 for the bound 0.
    pub fn below(&mut self, bound: usize) -> usize {
        let bound = bound.max(1) as u64;
        usize::try_from(self.number() % bound).unwrap_or(0)
    }
}

/// Bytes that break parsers more often than others.
const TELLING: [u8; 8] = [0x00, 0x01, 0x7f, 0x80, 0xff, b'\n', b'=', b'\\'];

/// Changes `data` in one to four places: bits, bytes, runs of 0xff, cuts, repeats, insertions.
pub fn mutate(data: &mut Vec<u8>, random: &mut Random) {
    for _ in 0..=random.below(4) {
        let at = random.below(data.len());
        let kind = random.below(7);
        if data.is_empty() {
            data.push(random.number().to_be_bytes()[0]);
        }
        match kind {
            0 => data[at] ^= 1 << random.below(8),
            1 => data[at] = random.number().to_be_bytes()[0],
            2 => data[at] = TELLING[random.below(TELLING.len())],
            3 => {
                let end = data.len().min(at + 1 + random.below(5));
                data[at..end].fill(0xff);
            }
            4 => data.truncate(at),
            5 => {
                let end = data.len().min(at + 1 + random.below(40));
                data.extend_from_within(at..end);
            }
            _ => data.insert(at, TELLING[random.below(TELLING.len())]),
        }
    }
}
