//! The schemas of answers to what the canary asks: records written and read, and its topic kept right.

use kafka_protocol::messages as m;

use crate::kafka::call::Call;
use crate::kafka::guard::Shape::{Bytes, Fixed, Rows, Text};
use crate::kafka::guard::{Field, Layout};

const RECORD_ERROR: &[Field] = &[Field::always(Fixed(4)), Field::always(Text)];
const WRITTEN: &[Field] = &[
    Field::always(Fixed(4)),
    Field::always(Fixed(2)),
    Field::always(Fixed(8)),
    Field::since(2, Fixed(8)),
    Field::since(5, Fixed(8)),
    Field::since(8, Rows(RECORD_ERROR)),
    Field::since(8, Text),
];
const WRITTEN_TOPIC: &[Field] = &[Field::always(Text), Field::always(Rows(WRITTEN))];

impl Call for m::ProduceRequest {
    const NAME: &'static str = "Produce";
    const KEY: i16 = 0;
    type Response = m::ProduceResponse;
    const LAYOUT: Layout =
        Layout { flexible: 9, fields: &[Field::always(Rows(WRITTEN_TOPIC)), Field::since(1, Fixed(4))] };
}

const ABORTED: &[Field] = &[Field::always(Fixed(8)), Field::always(Fixed(8))];
const READ: &[Field] = &[
    Field::always(Fixed(4)),
    Field::always(Fixed(2)),
    Field::always(Fixed(8)),
    Field::since(4, Fixed(8)),
    Field::since(5, Fixed(8)),
    Field::since(4, Rows(ABORTED)),
    Field::since(11, Fixed(4)),
    Field::always(Bytes),
];
const READ_TOPIC: &[Field] = &[Field::always(Text), Field::always(Rows(READ))];

impl Call for m::FetchRequest {
    const NAME: &'static str = "Fetch";
    const KEY: i16 = 1;
    type Response = m::FetchResponse;
    const LAYOUT: Layout = Layout {
        flexible: 12,
        fields: &[
            Field::since(1, Fixed(4)),
            Field::since(7, Fixed(2)),
            Field::since(7, Fixed(4)),
            Field::always(Rows(READ_TOPIC)),
        ],
    };
}

const MADE: &[Field] = &[Field::always(Text), Field::always(Fixed(2)), Field::since(1, Text)];

impl Call for m::CreateTopicsRequest {
    const NAME: &'static str = "CreateTopics";
    const KEY: i16 = 19;
    type Response = m::CreateTopicsResponse;
    const LAYOUT: Layout =
        Layout { flexible: 5, fields: &[Field::since(2, Fixed(4)), Field::always(Rows(MADE))] };
}

const WIDENED: &[Field] = &[Field::always(Text), Field::always(Fixed(2)), Field::always(Text)];

impl Call for m::CreatePartitionsRequest {
    const NAME: &'static str = "CreatePartitions";
    const KEY: i16 = 37;
    type Response = m::CreatePartitionsResponse;
    const LAYOUT: Layout =
        Layout { flexible: 2, fields: &[Field::always(Fixed(4)), Field::always(Rows(WIDENED))] };
}

const MOVED: &[Field] = &[Field::always(Fixed(4)), Field::always(Fixed(2)), Field::always(Text)];
const MOVED_TOPIC: &[Field] = &[Field::always(Text), Field::always(Rows(MOVED))];

impl Call for m::AlterPartitionReassignmentsRequest {
    const NAME: &'static str = "AlterPartitionReassignments";
    const KEY: i16 = 45;
    type Response = m::AlterPartitionReassignmentsResponse;
    const LAYOUT: Layout = Layout {
        flexible: 0,
        fields: &[
            Field::always(Fixed(4)),
            Field::since(1, Fixed(1)),
            Field::always(Fixed(2)),
            Field::always(Text),
            Field::always(Rows(MOVED_TOPIC)),
        ],
    };
}

impl Call for m::ElectLeadersRequest {
    const NAME: &'static str = "ElectLeaders";
    const KEY: i16 = 43;
    type Response = m::ElectLeadersResponse;
    const LAYOUT: Layout = Layout {
        flexible: 2,
        fields: &[Field::always(Fixed(4)), Field::since(1, Fixed(2)), Field::always(Rows(MOVED_TOPIC))],
    };
}
