//! The schemas of the answers that are decoded whole (`clients/src/main/resources/common/message/*.json`).

use kafka_protocol::messages as m;

use crate::kafka::call::Call;
use crate::kafka::guard::Shape::{Bytes, Fixed, Numbers, Rows, Text};
use crate::kafka::guard::{Field, Layout};

mod canary;
mod groups;

const API_KEY: &[Field] = &[Field::always(Fixed(2)), Field::always(Fixed(2)), Field::always(Fixed(2))];
const FEATURE: &[Field] = &[Field::always(Text), Field::always(Fixed(2)), Field::always(Fixed(2))];

impl Call for m::ApiVersionsRequest {
    const NAME: &'static str = "ApiVersions";
    const KEY: i16 = 18;
    type Response = m::ApiVersionsResponse;
    const LAYOUT: Layout = Layout {
        flexible: 3,
        fields: &[
            Field::always(Fixed(2)),
            Field::always(Rows(API_KEY)),
            Field::since(1, Fixed(4)),
            Field::tagged(0, Rows(FEATURE)),
            Field::tagged(1, Fixed(8)),
            Field::tagged(2, Rows(FEATURE)),
            Field::tagged(3, Fixed(1)),
        ],
    };
}

const REPLICA_STATE: &[Field] = &[
    Field::always(Fixed(4)),
    Field::since(2, Fixed(16)),
    Field::always(Fixed(8)),
    Field::since(1, Fixed(8)),
    Field::since(1, Fixed(8)),
];
const QUORUM_PARTITION: &[Field] = &[
    Field::always(Fixed(4)),
    Field::always(Fixed(2)),
    Field::since(2, Text),
    Field::always(Fixed(4)),
    Field::always(Fixed(4)),
    Field::always(Fixed(8)),
    Field::always(Rows(REPLICA_STATE)),
    Field::always(Rows(REPLICA_STATE)),
];
const QUORUM_TOPIC: &[Field] = &[Field::always(Text), Field::always(Rows(QUORUM_PARTITION))];
const QUORUM_LISTENER: &[Field] = &[Field::always(Text), Field::always(Text), Field::always(Fixed(2))];
const QUORUM_NODE: &[Field] = &[Field::always(Fixed(4)), Field::always(Rows(QUORUM_LISTENER))];

impl Call for m::DescribeQuorumRequest {
    const NAME: &'static str = "DescribeQuorum";
    const KEY: i16 = 55;
    type Response = m::DescribeQuorumResponse;
    const LAYOUT: Layout = Layout {
        flexible: 0,
        fields: &[
            Field::always(Fixed(2)),
            Field::since(2, Text),
            Field::always(Rows(QUORUM_TOPIC)),
            Field::since(2, Rows(QUORUM_NODE)),
        ],
    };
}

const BROKER: &[Field] =
    &[Field::always(Fixed(4)), Field::always(Text), Field::always(Fixed(4)), Field::since(1, Text)];
const PARTITION: &[Field] = &[
    Field::always(Fixed(2)),
    Field::always(Fixed(4)),
    Field::always(Fixed(4)),
    Field::since(7, Fixed(4)),
    Field::always(Numbers(4)),
    Field::always(Numbers(4)),
    Field::since(5, Numbers(4)),
];
const TOPIC: &[Field] = &[
    Field::always(Fixed(2)),
    Field::always(Text),
    Field::since(10, Fixed(16)),
    Field::since(1, Fixed(1)),
    Field::always(Rows(PARTITION)),
    Field::since(8, Fixed(4)),
];

impl Call for m::MetadataRequest {
    const NAME: &'static str = "Metadata";
    const KEY: i16 = 3;
    type Response = m::MetadataResponse;
    const LAYOUT: Layout = Layout {
        flexible: 9,
        fields: &[
            Field::since(3, Fixed(4)),
            Field::always(Rows(BROKER)),
            Field::since(2, Text),
            Field::since(1, Fixed(4)),
            Field::always(Rows(TOPIC)),
            Field::within(8, 10, Fixed(4)),
            Field::since(13, Fixed(2)),
        ],
    };
}

const REASSIGNMENT: &[Field] = &[
    Field::always(Fixed(4)),
    Field::always(Numbers(4)),
    Field::always(Numbers(4)),
    Field::always(Numbers(4)),
];
const REASSIGNED_TOPIC: &[Field] = &[Field::always(Text), Field::always(Rows(REASSIGNMENT))];

impl Call for m::ListPartitionReassignmentsRequest {
    const NAME: &'static str = "ListPartitionReassignments";
    const KEY: i16 = 46;
    type Response = m::ListPartitionReassignmentsResponse;
    const LAYOUT: Layout = Layout {
        flexible: 0,
        fields: &[
            Field::always(Fixed(4)),
            Field::always(Fixed(2)),
            Field::always(Text),
            Field::always(Rows(REASSIGNED_TOPIC)),
        ],
    };
}

impl Call for m::UnregisterBrokerRequest {
    const NAME: &'static str = "UnregisterBroker";
    const KEY: i16 = 64;
    type Response = m::UnregisterBrokerResponse;
    const LAYOUT: Layout = Layout {
        flexible: 0,
        fields: &[Field::always(Fixed(4)), Field::always(Fixed(2)), Field::always(Text)],
    };
}

const REGISTERED: &[Field] = &[
    Field::always(Fixed(4)),
    Field::always(Text),
    Field::always(Fixed(4)),
    Field::always(Text),
    Field::since(2, Fixed(1)),
];

impl Call for m::DescribeClusterRequest {
    const NAME: &'static str = "DescribeCluster";
    const KEY: i16 = 60;
    type Response = m::DescribeClusterResponse;
    const LAYOUT: Layout = Layout {
        flexible: 0,
        fields: &[
            Field::always(Fixed(4)),
            Field::always(Fixed(2)),
            Field::always(Text),
            Field::since(1, Fixed(1)),
            Field::always(Text),
            Field::always(Fixed(4)),
            Field::always(Rows(REGISTERED)),
            Field::always(Fixed(4)),
        ],
    };
}

const ACL: &[Field] =
    &[Field::always(Text), Field::always(Text), Field::always(Fixed(1)), Field::always(Fixed(1))];
const ACL_RESOURCE: &[Field] =
    &[Field::always(Fixed(1)), Field::always(Text), Field::since(1, Fixed(1)), Field::always(Rows(ACL))];

impl Call for m::DescribeAclsRequest {
    const NAME: &'static str = "DescribeAcls";
    const KEY: i16 = 29;
    type Response = m::DescribeAclsResponse;
    const LAYOUT: Layout = Layout {
        flexible: 2,
        fields: &[
            Field::always(Fixed(4)),
            Field::always(Fixed(2)),
            Field::always(Text),
            Field::always(Rows(ACL_RESOURCE)),
        ],
    };
}

impl Call for m::SaslHandshakeRequest {
    const NAME: &'static str = "SaslHandshake";
    const KEY: i16 = 17;
    type Response = m::SaslHandshakeResponse;
    const LAYOUT: Layout =
        Layout { flexible: i16::MAX, fields: &[Field::always(Fixed(2)), Field::always(Rows(NAME_ALONE))] };
}

const NAME_ALONE: &[Field] = &[Field::always(Text)];

impl Call for m::SaslAuthenticateRequest {
    const NAME: &'static str = "SaslAuthenticate";
    const KEY: i16 = 36;
    type Response = m::SaslAuthenticateResponse;
    const LAYOUT: Layout = Layout {
        flexible: 2,
        fields: &[
            Field::always(Fixed(2)),
            Field::always(Text),
            Field::always(Bytes),
            Field::since(1, Fixed(8)),
        ],
    };
}

const ALTERED: &[Field] =
    &[Field::always(Fixed(2)), Field::always(Text), Field::always(Fixed(1)), Field::always(Text)];

impl Call for m::IncrementalAlterConfigsRequest {
    const NAME: &'static str = "IncrementalAlterConfigs";
    const KEY: i16 = 44;
    type Response = m::IncrementalAlterConfigsResponse;
    const LAYOUT: Layout =
        Layout { flexible: 1, fields: &[Field::always(Fixed(4)), Field::always(Rows(ALTERED))] };
}

const SYNONYM: &[Field] = &[Field::always(Text), Field::always(Text), Field::always(Fixed(1))];
const CONFIG: &[Field] = &[
    Field::always(Text),
    Field::always(Text),
    Field::always(Fixed(1)),
    Field::always(Fixed(1)),
    Field::always(Fixed(1)),
    Field::since(1, Rows(SYNONYM)),
    Field::since(3, Fixed(1)),
    Field::since(3, Text),
];
const CONFIGS: &[Field] = &[
    Field::always(Fixed(2)),
    Field::always(Text),
    Field::always(Fixed(1)),
    Field::always(Text),
    Field::always(Rows(CONFIG)),
];

impl Call for m::DescribeConfigsRequest {
    const NAME: &'static str = "DescribeConfigs";
    const KEY: i16 = 32;
    type Response = m::DescribeConfigsResponse;
    const LAYOUT: Layout =
        Layout { flexible: 4, fields: &[Field::always(Fixed(4)), Field::always(Rows(CONFIGS))] };
}
