//! The records of the metadata log, as far as they are read. Written by `make records` from the schemas of Kafka 3.3.2 to
//! 4.4.0, all versions that any of these has; do not change it by hand.

use super::bytes::{Bytes, Ids, Malformed, Uuids};

/// The highest level of `metadata.version` that these releases know.
pub const HIGHEST_METADATA_VERSION: i16 = 34;

/// Every record that there is: its key, its name, its first and its last version.
const KNOWN: &[(u32, &str, u32, u32)] = &[
    (0, "RegisterBrokerRecord", 0, 4),
    (1, "UnregisterBrokerRecord", 0, 0),
    (2, "TopicRecord", 0, 0),
    (3, "PartitionRecord", 0, 2),
    (4, "ConfigRecord", 0, 0),
    (5, "PartitionChangeRecord", 0, 2),
    (6, "AccessControlRecord", 0, 0),
    (7, "FenceBrokerRecord", 0, 0),
    (8, "UnfenceBrokerRecord", 0, 0),
    (9, "RemoveTopicRecord", 0, 0),
    (10, "DelegationTokenRecord", 0, 0),
    (11, "UserScramCredentialRecord", 0, 0),
    (12, "FeatureLevelRecord", 0, 0),
    (14, "ClientQuotaRecord", 0, 0),
    (15, "ProducerIdsRecord", 0, 0),
    (17, "BrokerRegistrationChangeRecord", 0, 3),
    (18, "AccessControlEntryRecord", 0, 0),
    (19, "RemoveAccessControlEntryRecord", 0, 0),
    (20, "NoOpRecord", 0, 0),
    (21, "ZkMigrationStateRecord", 0, 0),
    (22, "RemoveUserScramCredentialRecord", 0, 0),
    (23, "BeginTransactionRecord", 0, 0),
    (24, "EndTransactionRecord", 0, 0),
    (25, "AbortTransactionRecord", 0, 0),
    (26, "RemoveDelegationTokenRecord", 0, 0),
    (27, "RegisterControllerRecord", 0, 0),
    (28, "ClearElrRecord", 0, 0),
    (29, "UnregisterControllerRecord", 0, 0),
];

/// Why a record is not read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RecordError {
    /// No release has such records.
    #[error("a record with the key {0}")]
    Unknown(u32),
    /// No release has this version of it.
    #[error("version {version} of {name}")]
    Version {
        /// Its name.
        name: &'static str,
        /// Its version.
        version: u32,
    },
    /// A frame around the record that no release has.
    #[error("frame version {0}")]
    Frame(u32),
    /// It does not hold what its version should.
    #[error("{name}: {what}")]
    Malformed {
        /// Its name.
        name: &'static str,
        /// What is wrong.
        what: Malformed,
    },
}

/// A record, as far as it is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record<'a> {
    /// `RegisterBrokerRecord`.
    RegisterBroker(RegisterBrokerRecord<'a>),
    /// `UnregisterBrokerRecord`.
    UnregisterBroker(UnregisterBrokerRecord),
    /// `TopicRecord`.
    Topic(TopicRecord<'a>),
    /// `PartitionRecord`.
    Partition(PartitionRecord<'a>),
    /// `ConfigRecord`.
    Config(ConfigRecord<'a>),
    /// `PartitionChangeRecord`.
    PartitionChange(PartitionChangeRecord<'a>),
    /// `FenceBrokerRecord`.
    FenceBroker(FenceBrokerRecord),
    /// `UnfenceBrokerRecord`.
    UnfenceBroker(UnfenceBrokerRecord),
    /// `RemoveTopicRecord`.
    RemoveTopic(RemoveTopicRecord),
    /// `FeatureLevelRecord`.
    FeatureLevel(FeatureLevelRecord<'a>),
    /// `BrokerRegistrationChangeRecord`.
    BrokerRegistrationChange(BrokerRegistrationChangeRecord<'a>),
    /// `BeginTransactionRecord`.
    BeginTransaction,
    /// `EndTransactionRecord`.
    EndTransaction,
    /// `AbortTransactionRecord`.
    AbortTransaction,
    /// `ClearElrRecord`.
    ClearElr(ClearElrRecord<'a>),
    /// One that is not read.
    Other,
}

/// Reads a record (`MetadataRecordSerde`): the version of its frame, its key, its version, and what it says.
pub fn decode(value: &[u8]) -> Result<Record<'_>, RecordError> {
    let mut bytes = Bytes::new(value);
    let framing = |what| RecordError::Malformed { name: "the frame of a record", what };
    let frame = bytes.uvarint().map_err(framing)?;
    if frame != 1 {
        return Err(RecordError::Frame(frame));
    }
    let key = bytes.uvarint().map_err(framing)?;
    let version = bytes.uvarint().map_err(framing)?;
    let known = KNOWN.iter().find(|(known, ..)| *known == key);
    let (_, name, first, last) = known.ok_or(RecordError::Unknown(key))?;
    if !(*first..=*last).contains(&version) {
        return Err(RecordError::Version { name, version });
    }
    let malformed = |what| RecordError::Malformed { name, what };
    Ok(match key {
        0 => Record::RegisterBroker(RegisterBrokerRecord::read(&mut bytes, version).map_err(malformed)?),
        1 => Record::UnregisterBroker(UnregisterBrokerRecord::read(&mut bytes, version).map_err(malformed)?),
        2 => Record::Topic(TopicRecord::read(&mut bytes, version).map_err(malformed)?),
        3 => Record::Partition(PartitionRecord::read(&mut bytes, version).map_err(malformed)?),
        4 => Record::Config(ConfigRecord::read(&mut bytes, version).map_err(malformed)?),
        5 => Record::PartitionChange(PartitionChangeRecord::read(&mut bytes, version).map_err(malformed)?),
        7 => Record::FenceBroker(FenceBrokerRecord::read(&mut bytes, version).map_err(malformed)?),
        8 => Record::UnfenceBroker(UnfenceBrokerRecord::read(&mut bytes, version).map_err(malformed)?),
        9 => Record::RemoveTopic(RemoveTopicRecord::read(&mut bytes, version).map_err(malformed)?),
        12 => Record::FeatureLevel(FeatureLevelRecord::read(&mut bytes, version).map_err(malformed)?),
        17 => Record::BrokerRegistrationChange(
            BrokerRegistrationChangeRecord::read(&mut bytes, version).map_err(malformed)?,
        ),
        23 => Record::BeginTransaction,
        24 => Record::EndTransaction,
        25 => Record::AbortTransaction,
        28 => Record::ClearElr(ClearElrRecord::read(&mut bytes, version).map_err(malformed)?),
        _ => Record::Other,
    })
}

/// `RegisterBrokerRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RegisterBrokerRecord<'a> {
    /// `BrokerId`: int32.
    pub broker_id: i32,
    /// `Fenced`: bool.
    pub fenced: bool,
    /// `LogDirs`: []uuid.
    pub log_dirs: Uuids<'a>,
}

impl<'a> RegisterBrokerRecord<'a> {
    fn read(bytes: &mut Bytes<'a>, version: u32) -> Result<Self, Malformed> {
        let broker_id = bytes.int32()?;
        if version >= 2 {
            bytes.int8()?;
        }
        bytes.uuid()?;
        bytes.int64()?;
        for _ in 0..bytes.count()? {
            bytes.nullable_text()?;
            bytes.nullable_text()?;
            bytes.int16()?;
            bytes.int16()?;
            bytes.tags(|_, _| Ok(()))?;
        }
        for _ in 0..bytes.count()? {
            bytes.nullable_text()?;
            bytes.int16()?;
            bytes.int16()?;
            bytes.tags(|_, _| Ok(()))?;
        }
        bytes.nullable_text()?;
        let fenced = bytes.boolean()?;
        if version >= 1 {
            bytes.int8()?;
        }
        let mut log_dirs = Uuids::default();
        bytes.tags(|tag, field| {
            if tag == 0 {
                log_dirs = field.uuids()?;
            }
            Ok(())
        })?;
        Ok(Self { broker_id, fenced, log_dirs })
    }
}

/// `UnregisterBrokerRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnregisterBrokerRecord {
    /// `BrokerId`: int32.
    pub broker_id: i32,
}

impl UnregisterBrokerRecord {
    fn read(bytes: &mut Bytes<'_>, _version: u32) -> Result<Self, Malformed> {
        let broker_id = bytes.int32()?;
        bytes.int64()?;
        Ok(Self { broker_id })
    }
}

/// `TopicRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TopicRecord<'a> {
    /// `Name`: string.
    pub name: &'a str,
    /// `TopicId`: uuid.
    pub topic_id: [u8; 16],
}

impl<'a> TopicRecord<'a> {
    fn read(bytes: &mut Bytes<'a>, _version: u32) -> Result<Self, Malformed> {
        let name = bytes.text()?;
        let topic_id = bytes.uuid()?;
        Ok(Self { name, topic_id })
    }
}

/// `PartitionRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionRecord<'a> {
    /// `PartitionId`: int32.
    pub partition_id: i32,
    /// `TopicId`: uuid.
    pub topic_id: [u8; 16],
    /// `Replicas`: []int32.
    pub replicas: Ids<'a>,
    /// `Isr`: []int32.
    pub isr: Ids<'a>,
    /// `RemovingReplicas`: []int32.
    pub removing_replicas: Ids<'a>,
    /// `AddingReplicas`: []int32.
    pub adding_replicas: Ids<'a>,
    /// `Leader`: int32.
    pub leader: i32,
    /// `Directories`: []uuid.
    pub directories: Uuids<'a>,
    /// `EligibleLeaderReplicas`: []int32.
    pub eligible_leader_replicas: Option<Ids<'a>>,
}

impl<'a> PartitionRecord<'a> {
    fn read(bytes: &mut Bytes<'a>, version: u32) -> Result<Self, Malformed> {
        let partition_id = bytes.int32()?;
        let topic_id = bytes.uuid()?;
        let replicas = bytes.ids()?;
        let isr = bytes.ids()?;
        let removing_replicas = bytes.ids()?;
        let adding_replicas = bytes.ids()?;
        let leader = bytes.int32()?;
        bytes.int32()?;
        bytes.int32()?;
        let directories = if version >= 1 { bytes.uuids()? } else { Uuids::default() };
        let mut eligible_leader_replicas = None;
        bytes.tags(|tag, field| {
            if tag == 1 {
                eligible_leader_replicas = field.nullable_ids()?;
            }
            Ok(())
        })?;
        Ok(Self {
            partition_id,
            topic_id,
            replicas,
            isr,
            removing_replicas,
            adding_replicas,
            leader,
            directories,
            eligible_leader_replicas,
        })
    }
}

/// `ConfigRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConfigRecord<'a> {
    /// `ResourceType`: int8.
    pub resource_type: i8,
    /// `ResourceName`: string.
    pub resource_name: &'a str,
    /// `Name`: string.
    pub name: &'a str,
    /// `Value`: string.
    pub value: Option<&'a str>,
}

impl<'a> ConfigRecord<'a> {
    fn read(bytes: &mut Bytes<'a>, _version: u32) -> Result<Self, Malformed> {
        let resource_type = bytes.int8()?;
        let resource_name = bytes.text()?;
        let name = bytes.text()?;
        let value = bytes.nullable_text()?;
        Ok(Self { resource_type, resource_name, name, value })
    }
}

/// `PartitionChangeRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionChangeRecord<'a> {
    /// `PartitionId`: int32.
    pub partition_id: i32,
    /// `TopicId`: uuid.
    pub topic_id: [u8; 16],
    /// `Isr`: []int32.
    pub isr: Option<Ids<'a>>,
    /// `Leader`: int32.
    pub leader: i32,
    /// `Replicas`: []int32.
    pub replicas: Option<Ids<'a>>,
    /// `RemovingReplicas`: []int32.
    pub removing_replicas: Option<Ids<'a>>,
    /// `AddingReplicas`: []int32.
    pub adding_replicas: Option<Ids<'a>>,
    /// `Directories`: []uuid.
    pub directories: Option<Uuids<'a>>,
    /// `EligibleLeaderReplicas`: []int32.
    pub eligible_leader_replicas: Option<Ids<'a>>,
}

impl<'a> PartitionChangeRecord<'a> {
    fn read(bytes: &mut Bytes<'a>, _version: u32) -> Result<Self, Malformed> {
        let partition_id = bytes.int32()?;
        let topic_id = bytes.uuid()?;
        let mut isr = None;
        let mut leader = -2;
        let mut replicas = None;
        let mut removing_replicas = None;
        let mut adding_replicas = None;
        let mut directories = None;
        let mut eligible_leader_replicas = None;
        bytes.tags(|tag, field| {
            match tag {
                0 => isr = field.nullable_ids()?,
                1 => leader = field.int32()?,
                2 => replicas = field.nullable_ids()?,
                3 => removing_replicas = field.nullable_ids()?,
                4 => adding_replicas = field.nullable_ids()?,
                8 => directories = field.nullable_uuids()?,
                6 => eligible_leader_replicas = field.nullable_ids()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self {
            partition_id,
            topic_id,
            isr,
            leader,
            replicas,
            removing_replicas,
            adding_replicas,
            directories,
            eligible_leader_replicas,
        })
    }
}

/// `FenceBrokerRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FenceBrokerRecord {
    /// `Id`: int32.
    pub id: i32,
}

impl FenceBrokerRecord {
    fn read(bytes: &mut Bytes<'_>, _version: u32) -> Result<Self, Malformed> {
        let id = bytes.int32()?;
        bytes.int64()?;
        Ok(Self { id })
    }
}

/// `UnfenceBrokerRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnfenceBrokerRecord {
    /// `Id`: int32.
    pub id: i32,
}

impl UnfenceBrokerRecord {
    fn read(bytes: &mut Bytes<'_>, _version: u32) -> Result<Self, Malformed> {
        let id = bytes.int32()?;
        bytes.int64()?;
        Ok(Self { id })
    }
}

/// `RemoveTopicRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RemoveTopicRecord {
    /// `TopicId`: uuid.
    pub topic_id: [u8; 16],
}

impl RemoveTopicRecord {
    fn read(bytes: &mut Bytes<'_>, _version: u32) -> Result<Self, Malformed> {
        let topic_id = bytes.uuid()?;
        Ok(Self { topic_id })
    }
}

/// `FeatureLevelRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeatureLevelRecord<'a> {
    /// `Name`: string.
    pub name: &'a str,
    /// `FeatureLevel`: int16.
    pub feature_level: i16,
}

impl<'a> FeatureLevelRecord<'a> {
    fn read(bytes: &mut Bytes<'a>, _version: u32) -> Result<Self, Malformed> {
        let name = bytes.text()?;
        let feature_level = bytes.int16()?;
        Ok(Self { name, feature_level })
    }
}

/// `BrokerRegistrationChangeRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerRegistrationChangeRecord<'a> {
    /// `BrokerId`: int32.
    pub broker_id: i32,
    /// `Fenced`: int8.
    pub fenced: i8,
    /// `LogDirs`: []uuid.
    pub log_dirs: Uuids<'a>,
}

impl<'a> BrokerRegistrationChangeRecord<'a> {
    fn read(bytes: &mut Bytes<'a>, _version: u32) -> Result<Self, Malformed> {
        let broker_id = bytes.int32()?;
        bytes.int64()?;
        let mut fenced = 0;
        let mut log_dirs = Uuids::default();
        bytes.tags(|tag, field| {
            match tag {
                0 => fenced = field.int8()?,
                2 => log_dirs = field.uuids()?,
                _ => {}
            }
            Ok(())
        })?;
        Ok(Self { broker_id, fenced, log_dirs })
    }
}

/// `ClearElrRecord`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClearElrRecord<'a> {
    /// `TopicName`: string.
    pub topic_name: &'a str,
}

impl<'a> ClearElrRecord<'a> {
    fn read(bytes: &mut Bytes<'a>, _version: u32) -> Result<Self, Malformed> {
        let topic_name = bytes.text()?;
        Ok(Self { topic_name })
    }
}
