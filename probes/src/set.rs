//! Sets of partitions, compared without holding them.
//!
//! What the metadata assigns to a broker and what its log dirs hold come from two answers of any length. Each is
//! boiled down to a [`Digest`] as it is read; equal digests are equal sets. Only when they differ is it worth while to
//! look closer, with a [`Sieve`].

use std::{
    collections::BTreeSet,
    hash::{DefaultHasher, Hasher},
    sync::Arc,
};

use crate::replicas::{PartitionName, printable};

/// Names that a [`Sieve`] keeps of partitions.
pub const PARTITIONS_KEPT: usize = 64;
/// Names that a [`Sieve`] keeps of topics.
pub const TOPICS_KEPT: usize = 4096;

/// Keys the hashes: whoever names topics must not be able to choose names that cancel out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key(u64);

impl Key {
    /// A key; draw it at random.
    pub const fn new(key: u64) -> Self {
        Self(key)
    }

    /// The hash of a topic, from which those of its partitions follow.
    pub fn topic(self, name: &[u8]) -> TopicHash {
        // SipHash; its own keys are fixed, so ours goes in front.
        let mut hasher = DefaultHasher::new();
        hasher.write_u64(self.0);
        hasher.write(name);
        TopicHash(hasher.finish())
    }
}

/// The hash of a topic.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TopicHash(u64);

impl TopicHash {
    /// The hash of one of its partitions: a finaliser (splitmix64) over a counter that starts at the topic's hash.
    pub fn partition(self, index: i32) -> u64 {
        let step = u64::from(index.cast_unsigned()).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0.wrapping_add(step);
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

/// How many members a set has, and the sum of their hashes: the same in whatever order they come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Members.
    pub count: u64,
    sum: u64,
}

impl Digest {
    /// Adds a member that is not in the set yet.
    pub fn add(&mut self, hash: u64) {
        self.count += 1;
        self.sum = self.sum.wrapping_add(hash);
    }

    /// Adds all members of a set that has none of them in common.
    pub fn join(&mut self, other: Self) {
        self.count += other.count;
        self.sum = self.sum.wrapping_add(other.sum);
    }

    /// The set without `part`, all of whose members are in it.
    #[must_use]
    pub fn without(self, part: Self) -> Self {
        Self { count: self.count.saturating_sub(part.count), sum: self.sum.wrapping_sub(part.sum) }
    }
}

/// What a [`Sieve`] keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Mesh {
    /// The hashes of one slice.
    Slice { of: u64, number: u64 },
    /// The members of this sorted list, with the first of their names.
    Wanted(Arc<[u64]>),
}

/// Takes a closer look at a set as it streams by, in bounded memory: the hashes of one slice of it, or the names of
/// the few members that are wanted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sieve {
    mesh: Mesh,
    hashes: Vec<u64>,
    partitions: BTreeSet<PartitionName>,
    topics: BTreeSet<String>,
    overflow: bool,
}

impl Sieve {
    /// Hashes kept at the most: half a megabyte.
    pub const HASHES_MAX: usize = 1 << 16;

    fn new(mesh: Mesh) -> Self {
        let (partitions, topics) = (BTreeSet::new(), BTreeSet::new());
        Self { mesh, hashes: Vec::new(), partitions, topics, overflow: false }
    }

    /// Into how many slices a set of `count` members is cut, so that each fits well.
    pub fn slices(count: u64) -> u64 {
        count / (Self::HASHES_MAX as u64 / 2) + 1
    }

    /// Keeps the hashes of slice `number` of `of`.
    pub fn slice(number: u64, of: u64) -> Self {
        Self::new(Mesh::Slice { of: of.max(1), number })
    }

    /// Keeps the members of `wanted`.
    pub fn wanted(mut wanted: Vec<u64>) -> Self {
        wanted.sort_unstable();
        Self::new(Mesh::Wanted(wanted.into()))
    }

    /// It looks for names.
    pub fn wants_names(&self) -> bool {
        matches!(self.mesh, Mesh::Wanted(_))
    }

    /// Looks at one member of the set.
    pub fn see(&mut self, hash: u64, topic: &[u8], partition: i32) {
        let keep = match &self.mesh {
            Mesh::Slice { of, number } => hash % of == *number,
            Mesh::Wanted(wanted) => wanted.binary_search(&hash).is_ok(),
        };
        if !keep {
            return;
        }
        if self.hashes.len() < Self::HASHES_MAX {
            self.hashes.push(hash);
        } else {
            self.overflow = true;
        }
        if self.wants_names() {
            self.name(PartitionName { topic: printable(topic), partition });
        }
    }

    fn topic(&mut self, topic: &str) {
        if !self.topics.contains(topic) {
            self.topics.insert(topic.to_owned());
            if self.topics.len() > TOPICS_KEPT {
                self.topics.pop_last();
                self.overflow = true;
            }
        }
    }

    fn name(&mut self, name: PartitionName) {
        self.topic(&name.topic);
        self.partitions.insert(name);
        if self.partitions.len() > PARTITIONS_KEPT {
            self.partitions.pop_last();
        }
    }

    /// Adds what the same sieve kept of another page of the same set.
    pub fn absorb(&mut self, page: &Self) {
        let room = Self::HASHES_MAX.saturating_sub(self.hashes.len());
        self.hashes.extend(page.hashes.iter().take(room));
        self.overflow |= page.overflow || page.hashes.len() > room;
        for topic in &page.topics {
            self.topic(topic);
        }
        for name in &page.partitions {
            self.name(name.clone());
        }
    }

    /// The hashes kept, sorted, and without repetition.
    pub fn into_hashes(mut self) -> Vec<u64> {
        self.hashes.sort_unstable();
        self.hashes.dedup();
        self.hashes
    }

    /// The first of the names kept, in their order, [`PARTITIONS_KEPT`] at the most.
    pub fn partitions(&self) -> impl Iterator<Item = &PartitionName> {
        self.partitions.iter()
    }

    /// Their topics, [`TOPICS_KEPT`] at the most.
    pub fn topics(&self) -> impl Iterator<Item = &String> {
        self.topics.iter()
    }

    /// More came than is kept: nothing can be concluded from what is missing here.
    pub fn overflowed(&self) -> bool {
        self.overflow
    }
}

/// The members of sorted `a` that are not in sorted `b`.
pub fn minus(a: &[u64], b: &[u64]) -> Vec<u64> {
    a.iter().copied().filter(|hash| b.binary_search(hash).is_err()).collect()
}
