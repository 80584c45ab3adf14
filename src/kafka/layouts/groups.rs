//! The schemas of answers about consumer groups, and about the ends of logs.

use kafka_protocol::messages as m;

use crate::kafka::call::Call;
use crate::kafka::guard::Shape::{Bytes, Fixed, Names, Numbers, Rows, Struct, Text};
use crate::kafka::guard::{Field, Layout};

const LISTED: &[Field] =
    &[Field::always(Text), Field::always(Text), Field::since(4, Text), Field::since(5, Text)];

impl Call for m::ListGroupsRequest {
    const NAME: &'static str = "ListGroups";
    const KEY: i16 = 16;
    type Response = m::ListGroupsResponse;
    const LAYOUT: Layout = Layout {
        flexible: 3,
        fields: &[Field::since(1, Fixed(4)), Field::always(Fixed(2)), Field::always(Rows(LISTED))],
    };
}

const COMMITTED: &[Field] = &[
    Field::always(Fixed(4)),
    Field::always(Fixed(8)),
    Field::since(5, Fixed(4)),
    Field::always(Text),
    Field::always(Fixed(2)),
];
const COMMITTED_TOPIC: &[Field] =
    &[Field::within(0, 9, Text), Field::since(10, Fixed(16)), Field::always(Rows(COMMITTED))];
const COMMITTED_GROUP: &[Field] =
    &[Field::always(Text), Field::always(Rows(COMMITTED_TOPIC)), Field::always(Fixed(2))];

impl Call for m::OffsetFetchRequest {
    const NAME: &'static str = "OffsetFetch";
    const KEY: i16 = 9;
    type Response = m::OffsetFetchResponse;
    const LAYOUT: Layout = Layout {
        flexible: 6,
        fields: &[
            Field::since(3, Fixed(4)),
            Field::within(0, 7, Rows(COMMITTED_TOPIC)),
            Field::within(2, 7, Fixed(2)),
            Field::since(8, Rows(COMMITTED_GROUP)),
        ],
    };
}

const MEMBER: &[Field] = &[
    Field::always(Text),
    Field::since(4, Text),
    Field::always(Text),
    Field::always(Text),
    Field::always(Bytes),
    Field::always(Bytes),
];
const DESCRIBED: &[Field] = &[
    Field::always(Fixed(2)),
    Field::since(6, Text),
    Field::always(Text),
    Field::always(Text),
    Field::always(Text),
    Field::always(Text),
    Field::always(Rows(MEMBER)),
    Field::since(3, Fixed(4)),
];

impl Call for m::DescribeGroupsRequest {
    const NAME: &'static str = "DescribeGroups";
    const KEY: i16 = 15;
    type Response = m::DescribeGroupsResponse;
    const LAYOUT: Layout =
        Layout { flexible: 5, fields: &[Field::since(1, Fixed(4)), Field::always(Rows(DESCRIBED))] };
}

const OWNED: &[Field] = &[Field::always(Fixed(16)), Field::always(Text), Field::always(Numbers(4))];
const ASSIGNMENT: &[Field] = &[Field::always(Rows(OWNED))];
const NEW_MEMBER: &[Field] = &[
    Field::always(Text),
    Field::always(Text),
    Field::always(Text),
    Field::always(Fixed(4)),
    Field::always(Text),
    Field::always(Text),
    Field::always(Names),
    Field::always(Text),
    Field::always(Struct(ASSIGNMENT)),
    Field::always(Struct(ASSIGNMENT)),
    Field::since(1, Fixed(1)),
];
const NEW_GROUP: &[Field] = &[
    Field::always(Fixed(2)),
    Field::always(Text),
    Field::always(Text),
    Field::always(Text),
    Field::always(Fixed(4)),
    Field::always(Fixed(4)),
    Field::always(Text),
    Field::always(Rows(NEW_MEMBER)),
    Field::always(Fixed(4)),
];

impl Call for m::ConsumerGroupDescribeRequest {
    const NAME: &'static str = "ConsumerGroupDescribe";
    const KEY: i16 = 69;
    type Response = m::ConsumerGroupDescribeResponse;
    const LAYOUT: Layout =
        Layout { flexible: 0, fields: &[Field::always(Fixed(4)), Field::always(Rows(NEW_GROUP))] };
}

const END: &[Field] = &[
    Field::always(Fixed(4)),
    Field::always(Fixed(2)),
    Field::since(1, Fixed(8)),
    Field::since(1, Fixed(8)),
    Field::since(4, Fixed(4)),
];
const ENDS_OF_TOPIC: &[Field] = &[Field::always(Text), Field::always(Rows(END))];

impl Call for m::ListOffsetsRequest {
    const NAME: &'static str = "ListOffsets";
    const KEY: i16 = 2;
    type Response = m::ListOffsetsResponse;
    const LAYOUT: Layout =
        Layout { flexible: 6, fields: &[Field::since(2, Fixed(4)), Field::always(Rows(ENDS_OF_TOPIC))] };
}
